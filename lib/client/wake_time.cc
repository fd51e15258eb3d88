#include "client/wake_time.h"

#include "base/clock.h"

#include <algorithm>

namespace shmd::client {

namespace {

constexpr int64_t kLeastCycleNs = base::kNsPerMs / 10;
constexpr int64_t kMostCycleNs = base::kNsPerSecond;
constexpr int64_t kMostTimeNs = INT64_MAX / 2;
constexpr int64_t kMostAheadNs = 50 * base::kNsPerSecond;

}  // namespace

int64_t DurationNs(int64_t frames, uint32_t rate_hz) noexcept {
    const int64_t most_frames = kMostAheadNs / base::kNsPerSecond * rate_hz;
    return -base::MulDiv(-std::clamp<int64_t>(frames, 0, most_frames), base::kNsPerSecond,
                         rate_hz);
}

int64_t WakeTimeNs(const shm::Position& position, int64_t cycle_ns, uint64_t frame,
                   uint32_t rate_hz) noexcept {
    const auto this_cycle = static_cast<int64_t>(position.limit_frames - position.frames);
    // The server's word for the time is no reason to calculate beyond 64 bits.
    const int64_t time_ns = std::clamp<int64_t>(position.time_ns, 0, kMostTimeNs);
    const int64_t end_ns = time_ns + DurationNs(this_cycle, rate_hz);
    const auto beyond = static_cast<int64_t>(frame - position.limit_frames);
    if (beyond <= 0) return end_ns;
    const int64_t beyond_ns = DurationNs(beyond, rate_hz);
    // A cycle is not a whole number of nanoseconds, nor of a resampled stream's frames.
    const int64_t frame_ns = DurationNs(1, rate_hz);
    const int64_t cycle = std::clamp(cycle_ns, kLeastCycleNs, kMostCycleNs);
    const int64_t cycles = (beyond_ns - frame_ns + cycle) / cycle;
    return end_ns + std::max(beyond_ns, cycles * cycle);
}

int64_t NextLookNs(int64_t due_ns, int64_t now_ns, int64_t least_ns,
                   int64_t most_ns) noexcept {
    if (due_ns > now_ns) return due_ns;
    return now_ns + std::clamp(now_ns - due_ns, least_ns, most_ns);
}

}  // namespace shmd::client
