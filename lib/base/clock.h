#pragma once

#include <cstdint>

namespace shmd::base {

class Wakeup;

inline constexpr int64_t kNsPerSecond = 1'000'000'000;
inline constexpr int64_t kNsPerMs = 1'000'000;
inline constexpr int64_t kNsPerUs = 1'000;

/** A deadline that never comes (the year 2262). */
inline constexpr int64_t kNever = INT64_MAX;

/** What time it is, and waiting for a later one. Tests bring a clock that they move by
 * hand. */
class Clock {
  public:
    virtual ~Clock() = default;

    /** Nanoseconds of CLOCK_MONOTONIC. Thread: any. Realtime: yes. */
    [[nodiscard]] virtual int64_t NowNs() const noexcept = 0;

    /**
     * Sleep until `deadline_ns` or until `wakeup` is signalled; may return early.
     * Thread: the one that owns `wakeup`.  Realtime: yes (one system call).
     */
    virtual void WaitUntil(int64_t deadline_ns, Wakeup& wakeup) noexcept = 0;
};

class SystemClock final : public Clock {
  public:
    [[nodiscard]] int64_t NowNs() const noexcept override;
    void WaitUntil(int64_t deadline_ns, Wakeup& wakeup) noexcept override;
};

/**
 * `value` x `multiplier` / `divisor`, rounded down, without overflow in between.
 * Used for frames <-> nanoseconds: days of 384 kHz frames times 1e9 exceed 64 bits.
 * @pre divisor > 0 and the result fits.  Thread: any.  Realtime: yes.
 */
int64_t MulDiv(int64_t value, int64_t multiplier, int64_t divisor) noexcept;

}  // namespace shmd::base
