#include "client/position_tracker.h"

#include "base/clock.h"

#include <algorithm>

namespace shmd::client {

namespace {

// A server publishes every cycle; beyond this the time is not interpolated but wrong.
constexpr int64_t kMostElapsedNs = 10 * base::kNsPerSecond;

// Three hours at 384 kHz. No server is that far ahead of what an application saw last;
// one that says so is followed step by step, and the count never wraps.
constexpr uint64_t kMostAheadFrames = uint64_t{1} << 32;

bool Moves(wire::StreamState state) noexcept {
    return state == wire::StreamState::kRunning || state == wire::StreamState::kDraining;
}

}  // namespace

uint64_t PositionTracker::FrameAt(const shm::Position& position, uint64_t limit,
                                  int64_t now_ns) noexcept {
    uint64_t frame = position.frames;
    if (Moves(position.state) && position.time_ns >= 0 && now_ns > position.time_ns) {
        const int64_t elapsed_ns = std::min(now_ns - position.time_ns, kMostElapsedNs);
        frame +=
            static_cast<uint64_t>(base::MulDiv(elapsed_ns, rate_hz_, base::kNsPerSecond));
    }
    frame = std::min(frame, limit);
    // Signed: what is not ahead of the newest is behind it, and not far ahead.
    const uint64_t ahead = frame - newest_;
    if (static_cast<int64_t>(ahead) > 0) newest_ += std::min(ahead, kMostAheadFrames);
    return newest_;
}

}  // namespace shmd::client
