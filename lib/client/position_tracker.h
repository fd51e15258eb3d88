#pragma once

#include "shm/position.h"

#include <cstdint>

namespace shmd::client {

/**
 * Where a stream is now, from what the server published last: interpolated, never more
 * than its limit, and never going back.  Thread: one at a time.  Realtime: yes.
 */
class PositionTracker {
  public:
    /** A new start at `frame`. */
    void Reset(uint64_t frame, uint32_t rate_hz) noexcept {
        newest_ = frame;
        rate_hz_ = rate_hz;
    }

    /**
     * hw_ptr at `now_ns`.
     * @param position  of this start
     * @param limit     at most this
     */
    uint64_t FrameAt(const shm::Position& position, uint64_t limit,
                     int64_t now_ns) noexcept;

    [[nodiscard]] uint64_t Newest() const noexcept { return newest_; }

  private:
    uint64_t newest_ = 0;
    uint32_t rate_hz_ = 48000;
};

}  // namespace shmd::client
