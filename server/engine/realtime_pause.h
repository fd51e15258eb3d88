#pragma once

#include "base/clock.h"

#include <algorithm>
#include <cstdint>

namespace shmd::engine {

/**
 * How long real-time scheduling stays given up: 10 s at first, and twice as long each
 * time that it is soon given up again, 5 minutes at most.  Thread: loop.
 */
class RealtimePause {
  public:
    static constexpr int64_t kFirstNs = 10 * base::kNsPerSecond;
    static constexpr int64_t kMostNs = 300 * base::kNsPerSecond;

    /** It is given up at `now_ns`. @return when to take it up again */
    int64_t Begin(int64_t now_ns) noexcept {
        const bool is_soon = pause_ns_ > 0 && now_ns - end_ns_ < kMostNs;
        pause_ns_ = is_soon ? std::min(2 * pause_ns_, kMostNs) : kFirstNs;
        return end_ns_ = now_ns + pause_ns_;
    }

    /** The streams still took too much at `now_ns`. @return when to take it up then */
    int64_t Extend(int64_t now_ns) noexcept { return end_ns_ = now_ns + pause_ns_; }

  private:
    int64_t pause_ns_ = 0;
    int64_t end_ns_ = 0;
};

}  // namespace shmd::engine
