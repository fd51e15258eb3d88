#pragma once

#include "bench/load/board.h"

#include <cstdint>
#include <vector>

namespace shmd::bench {

/**
 * The times at which one writer was woken, against a grid: wake n was due n periods after
 * the first. The grid is laid through the most punctual wake, so nothing is assumed of
 * how a server counts frames.
 *
 * Thread: one at a time.
 */
class WakeTimes {
  public:
    explicit WakeTimes(uint32_t period_frames);

    /** Woken at `now_ns`, with `periods` written so far. Allocates nothing. */
    void Add(int64_t now_ns, uint64_t periods) noexcept;
    /** The grid is another from here on (after an xrun). */
    void Restart() noexcept { offsets_ns_.clear(); }

    [[nodiscard]] Lateness Summary() const;

  private:
    static constexpr size_t kMostWakes = 8192;  // ten seconds at 64 frames, and more

    uint32_t period_frames_;
    std::vector<int64_t> offsets_ns_;
};

int64_t NowNs() noexcept;

}  // namespace shmd::bench
