#pragma once

#include "base/clock.h"
#include "base/wakeup.h"

#include <condition_variable>
#include <cstdint>
#include <mutex>

namespace shmd::testing {

/**
 * A clock that stands still until a test moves it.
 *
 * One thread at a time may wait on it. That thread sleeps in its own Wakeup, without a
 * deadline, so that a Signal() from anywhere ends its wait as always; the clock ends it
 * by signalling too. A waiter must therefore Consume() its Wakeup after each wait, as
 * every owner of one does, and must not take a signal for more than "look again".
 */
class ManualClock final : public base::Clock {
  public:
    explicit ManualClock(int64_t now_ns = base::kNsPerSecond) : now_ns_{now_ns} {}

    /** Thread: any. */
    [[nodiscard]] int64_t NowNs() const noexcept override;

    /** Thread: the one that owns `wakeup`. Returns early whenever `wakeup` is signalled.
     */
    void WaitUntil(int64_t deadline_ns, base::Wakeup& wakeup) noexcept override;

    /**
     * Move time on by `ns`, 0 or more; a waiter whose deadline that reaches wakes up.
     * Thread: test.
     */
    void Advance(int64_t ns);

    /**
     * Move time on by `ns`, 0 or more, from deadline to deadline of the waiter, and let
     * it work at each: on return it waits again, its deadline is later than now and no
     * signal of before is left for it. Also waits for the first wait of a thread just
     * started.
     *
     * Thread: test.  Errors: aborts with a message after 10 s of real time without that.
     */
    void AdvanceAndSettle(int64_t ns);

  private:
    using Lock = std::unique_lock<std::mutex>;

    [[nodiscard]] bool Settled() const noexcept;
    void RequireSettled(Lock& lock);
    void MoveTo(int64_t now_ns) noexcept;

    mutable std::mutex mutex_;
    std::condition_variable wait_began_;
    int64_t now_ns_;
    /** Who waits and until when; nobody: nullptr. */
    base::Wakeup* waiter_ = nullptr;
    int64_t deadline_ns_ = 0;
};

}  // namespace shmd::testing
