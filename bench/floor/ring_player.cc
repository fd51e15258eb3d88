#include "bench/floor/ring_player.h"

#include <poll.h>
#include <unistd.h>
#include <algorithm>
#include <cstring>

namespace shmd::bench {

Player::Size RingPlayer::Open(Size wanted) {
    size_ = wanted;
    sound_.resize(size_t{wanted.period_frames} * kChannels, 100);
    return size_;
}

Player::Wake RingPlayer::Wait() {
    pollfd entry{.fd = ring_.EventFd(), .events = POLLIN, .revents = 0};
    if (poll(&entry, 1, 500) == 0) return Wake::kTimeout;
    uint64_t count = 0;
    if (read(ring_.EventFd(), &count, sizeof count) < 0) return Wake::kNothing;
    // It had nothing to read while it went around: an empty ring is an xrun.
    return ring_.Read().load(std::memory_order_acquire) ==
                   ring_.Written().load(std::memory_order_relaxed)
               ? Wake::kXrun
               : Wake::kRoom;
}

std::optional<uint32_t> RingPlayer::Write(uint32_t most_periods) {
    const uint64_t written = ring_.Written().load(std::memory_order_relaxed);
    const uint64_t queued = written - ring_.Read().load(std::memory_order_acquire);
    const auto room =
        static_cast<uint32_t>(ring_.Frames() - queued) / size_.period_frames;
    const uint32_t periods = std::min(room, most_periods);
    for (uint32_t i = 0; i < periods; ++i) {
        const uint64_t frame = written + uint64_t{i} * size_.period_frames;
        std::memcpy(ring_.At(frame), sound_.data(), sound_.size() * sizeof sound_[0]);
        ring_.Written().store(frame + size_.period_frames, std::memory_order_release);
    }
    return periods;
}

}  // namespace shmd::bench
