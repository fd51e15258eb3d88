#pragma once

#include "base/clock.h"

#include <algorithm>
#include <cstdint>

namespace shmd::client {

/**
 * How long after a cycle's end a recorder looks for that cycle's frames.
 *
 * The server wakes at the end of a cycle too, and needs some time to deliver what was
 * captured: on an idle machine some 0.1 ms, more with many streams. A look that comes too
 * early costs a second wake-up. So the margin doubles when frames were not there in time,
 * and halves when they were, many times in a row. It takes few values, so that recorders
 * of one device still wake together.
 *
 * Thread: one at a time.  Realtime: yes.
 */
class DeliveryMargin {
  public:
    static constexpr int64_t kLeastNs = base::kNsPerMs / 4;
    static constexpr int64_t kMostNs = 2 * base::kNsPerMs;
    static constexpr int kLooksInARow = 32;

    [[nodiscard]] int64_t Ns() const noexcept { return margin_ns_; }

    /** The frames were there at the cycle's end and the margin. */
    void OnMet() noexcept {
        if (++met_ < kLooksInARow) return;
        met_ = 0;
        margin_ns_ = std::max(margin_ns_ / 2, kLeastNs);
    }

    /** They were not. Call it once for each wake request of an application. */
    void OnMissed() noexcept {
        met_ = 0;
        margin_ns_ = std::min(margin_ns_ * 2, kMostNs);
    }

  private:
    int64_t margin_ns_ = kLeastNs;
    int met_ = 0;
};

}  // namespace shmd::client
