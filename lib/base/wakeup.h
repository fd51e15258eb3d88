#pragma once

#include <atomic>
#include <cstdint>

namespace shmd::base {

/**
 * Ends one thread's timed wait from another thread (a futex word).
 *
 * Any thread stores 1 and wakes; only the waiting thread stores 0. A signal that comes
 * before the wait is kept in the word, so none is lost: the kernel compares the word
 * with 0 under its own lock before it sleeps.
 */
class Wakeup {
  public:
    /** Thread: any.  Realtime: yes (one system call when the word was 0). */
    void Signal() noexcept;

    /** Thread: the waiter.  Realtime: yes.  @return whether it was signalled since. */
    bool Consume() noexcept { return word_.exchange(0, std::memory_order_acquire) != 0; }

    /** Whether a signal waits to be consumed. Thread: any. Realtime: yes. */
    [[nodiscard]] bool IsSignalled() const noexcept {
        return word_.load(std::memory_order_acquire) != 0;
    }

    /**
     * Sleep until Signal() or until CLOCK_MONOTONIC reaches `deadline_ns`.
     * Thread: the waiter.  Realtime: yes (one system call).  May return early.
     */
    void WaitUntil(int64_t deadline_ns) noexcept;

  private:
    std::atomic<uint32_t> word_{0};
    static_assert(std::atomic<uint32_t>::is_always_lock_free);
};

}  // namespace shmd::base
