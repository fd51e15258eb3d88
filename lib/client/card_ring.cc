#include "client/card_ring.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>
#include <utility>

namespace shmd::client {

namespace {

constexpr unsigned kAlsaMajor = 116;  // CONFIG_SND_MAJOR in include/sound/core.h

/**
 * Whether sysfs knows the sound device of this minor number as something else than a PCM:
 * a control, a sequencer. A sandbox may have no sysfs; then it is not known.
 */
bool IsOtherDevice(unsigned minor) noexcept {
    std::array<char, 64> path{};
    std::snprintf(path.data(), path.size(), "/sys/dev/char/%u:%u", kAlsaMajor, minor);
    std::array<char, 512> target{};
    const ssize_t length = ::readlink(path.data(), target.data(), target.size());
    if (length <= 0) return false;
    const std::string_view device{target.data(), static_cast<size_t>(length)};
    return !device.substr(device.rfind('/') + 1).starts_with("pcm");
}

}  // namespace

bool CardRing::IsCard(int fd) noexcept {
    struct stat status {};
    return ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) &&
           major(status.st_rdev) == kAlsaMajor && !IsOtherDevice(minor(status.st_rdev));
}

void CardRing::Forget(const wire::ServerBlock& server) noexcept {
    forgotten_ = server.direct.load(std::memory_order_acquire);
}

void CardRing::Copy(const shm::RingArea<std::byte>& ring, uint64_t position,
                    uint32_t frames, const wire::ServerBlock& server,
                    wire::ClientBlock& own) noexcept {
    const uint64_t word = server.direct.load(std::memory_order_acquire);
    const auto place = wire::DirectPlace::Unpack(word);
    // What the server has gone by is not to be written: it may be another's by now.
    const uint64_t limit = server.limit_frames.load(std::memory_order_acquire);
    if (!place.offset || *place.offset >= ring_.BufferFrames() || word == forgotten_ ||
        frames > ring_.BufferFrames() || position < limit) {
        if (std::exchange(used_, 0) != 0)
            own.direct_used.store(0, std::memory_order_release);
        return;
    }
    if (used_ != place.serial || position != next_)
        own.direct_from.store(position, std::memory_order_relaxed);
    const auto runs = ring.Runs(position, frames);
    CopyRun(runs.first, position + *place.offset);
    CopyRun(runs.second,
            position + *place.offset + runs.first.size() / ring_.FrameBytes());
    used_ = place.serial;
    next_ = position + frames;
    // The ring of a card that does not snoop is mapped write-combining. Such stores are
    // not ordered by a release; by this one, which is an exchange on x86, they are.
    own.direct_used.store(used_, std::memory_order_seq_cst);
}

void CardRing::CopyRun(std::span<const std::byte> run, uint64_t place) noexcept {
    const auto to =
        ring_.Runs(place, static_cast<uint32_t>(run.size() / ring_.FrameBytes()));
    std::ranges::copy(run.first(to.first.size()), to.first.begin());
    std::ranges::copy(run.subspan(to.first.size()), to.second.begin());
}

}  // namespace shmd::client
