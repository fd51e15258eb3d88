#include "base/wakeup.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <climits>
#include <ctime>

namespace shmd::base {

void Wakeup::Signal() noexcept {
    if (word_.exchange(1, std::memory_order_release) == 0)
        ::syscall(SYS_futex, &word_, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT_MAX, nullptr,
                  nullptr, 0);
}

void Wakeup::WaitUntil(int64_t deadline_ns) noexcept {
    timespec deadline{};
    deadline.tv_sec = static_cast<time_t>(deadline_ns / 1'000'000'000);
    deadline.tv_nsec = static_cast<long>(deadline_ns % 1'000'000'000);
    // FUTEX_WAIT_BITSET takes an absolute CLOCK_MONOTONIC time, futex(2).
    ::syscall(SYS_futex, &word_, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, &deadline,
              nullptr, FUTEX_BITSET_MATCH_ANY);
}

}  // namespace shmd::base
