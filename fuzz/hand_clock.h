#pragma once

#include "base/clock.h"
#include "base/wakeup.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>

namespace shmd::fuzz {

/**
 * A clock by which the audio threads turn only when they are told to, one after the other
 * and each once: what a script does is the same each time that it runs. A signal alone
 * (a Kick) starts no turn.
 */
class HandClock final : public base::Clock {
  public:
    explicit HandClock(int64_t now_ns) noexcept : now_ns_{now_ns} {}

    /** Thread: any. */
    [[nodiscard]] int64_t NowNs() const noexcept override { return now_ns_; }

    /** Thread: an audio thread. */
    void WaitUntil(int64_t deadline_ns, base::Wakeup& wakeup) noexcept override;

    /** Wait until `threads` audio threads wait, with those that did so before. Thread:
     * the loop. */
    void Await(size_t threads);

    /**
     * Move time on by `ns`, 0 or more, and have the threads that were awaited turn once
     * each, in the order in which they came. Returns when all wait again. Thread: the
     * loop.
     */
    void Turn(int64_t ns);

    /** From here on each signal starts a turn, so that the threads can be ended. */
    void Release();

  private:
    /** A thread that waits, or has waited. */
    struct Seat {
        explicit Seat(base::Wakeup& owner) : wakeup{&owner} {}

        base::Wakeup* wakeup;
        base::Wakeup may_turn;
    };

    Seat& SeatOf(base::Wakeup& wakeup);

    std::atomic<int64_t> now_ns_;
    std::atomic<bool> is_released_{false};
    std::mutex mutex_;  // of the list of seats
    std::deque<Seat> seats_;
    base::Wakeup waits_;  // the thread that was told to turn, or is new
    size_t awaited_ = 0;
};

}  // namespace shmd::fuzz
