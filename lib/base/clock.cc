#include "base/clock.h"

#include "base/wakeup.h"

#include <ctime>

namespace shmd::base {

int64_t SystemClock::NowNs() const noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * kNsPerSecond + now.tv_nsec;
}

void SystemClock::WaitUntil(int64_t deadline_ns, Wakeup& wakeup) noexcept {
    wakeup.WaitUntil(deadline_ns);
}

int64_t MulDiv(int64_t value, int64_t multiplier, int64_t divisor) noexcept {
    // value = whole * divisor + rest with 0 <= rest < divisor, so that rest * multiplier
    // stays below divisor * multiplier: at most 1e9 * 1e9 < 2^63 for every use here.
    int64_t whole = value / divisor;
    int64_t rest = value % divisor;
    if (rest < 0) {
        rest += divisor;
        --whole;
    }
    return whole * multiplier + rest * multiplier / divisor;
}

}  // namespace shmd::base
