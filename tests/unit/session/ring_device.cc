#include "tests/unit/session/ring_device.h"

#include "audio/format.h"
#include "base/error.h"
#include "shm/memfd.h"

#include <fcntl.h>
#include <algorithm>
#include <new>

namespace shmd::session {

RingDevice::RingDevice()
    : fd_{shm::CreateMemfd(size_t{kRingFrames} * kFrameBytes)},
      ring_{shm::Mapping::OfFile(fd_.Get(), size_t{kRingFrames} * kFrameBytes,
                                 shm::Mapping::Access::kReadWrite)} {}

void RingDevice::EndBlock(uint32_t frames) noexcept {
    tap_.EndBlock(frames);
    rendered_ += frames;
}

device::SharedRing RingDevice::ShareRing(bool /*unrestricted*/) {
    if (fails_to_share_) throw std::bad_alloc{};
    const int fd = ::fcntl(fd_.Get(), F_DUPFD_CLOEXEC, 0);
    return {.fd = base::UniqueFd{base::RequireNonNegative(fd, "F_DUPFD_CLOEXEC")},
            .ring_frames = kRingFrames,
            .ahead_frames = kAheadFrames};
}

std::optional<uint32_t> RingDevice::NextPlace() const noexcept {
    return static_cast<uint32_t>(rendered_ % kRingFrames);
}

void RingDevice::SkipBlock(uint32_t frames) noexcept {
    const std::span<std::byte> block = tap_.BeginBlock(frames);
    const std::span<const std::byte> ring = ring_.Bytes();
    for (size_t at = 0; at < block.size(); ++at)
        block[at] = ring[(rendered_ * kFrameBytes + at) % ring.size()];
    EndBlock(frames);
}

void RingDevice::SilenceAhead() noexcept {
    std::ranges::fill(ring_.Writable(), std::byte{0});
}

}  // namespace shmd::session
