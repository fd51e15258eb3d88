#include "tests/support/manual_clock.h"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>

namespace shmd::testing {

namespace {
constexpr std::chrono::seconds kSettleLimit{10};
}

int64_t ManualClock::NowNs() const noexcept {
    const Lock lock{mutex_};
    return now_ns_;
}

void ManualClock::WaitUntil(int64_t deadline_ns, base::Wakeup& wakeup) noexcept {
    {
        const Lock lock{mutex_};
        if (deadline_ns <= now_ns_) return;
        if (waiter_ != nullptr) {
            std::fputs("ManualClock: a second thread waits on it\n", stderr);
            std::abort();
        }
        waiter_ = &wakeup;
        deadline_ns_ = deadline_ns;
        wait_began_.notify_all();
    }
    // A signal between the lock and the sleep is kept in the word: the sleep is skipped.
    wakeup.WaitUntil(base::kNever);
    const Lock lock{mutex_};
    waiter_ = nullptr;
}

void ManualClock::Advance(int64_t ns) {
    const Lock lock{mutex_};
    MoveTo(now_ns_ + ns);
}

void ManualClock::AdvanceAndSettle(int64_t ns) {
    Lock lock{mutex_};
    const int64_t target_ns = now_ns_ + ns;
    RequireSettled(lock);
    while (now_ns_ < target_ns) {
        MoveTo(std::min(target_ns, deadline_ns_));
        RequireSettled(lock);
    }
}

void ManualClock::MoveTo(int64_t now_ns) noexcept {
    now_ns_ = now_ns;
    // Under the lock, which the waiter takes before it leaves: its Wakeup is alive.
    if (waiter_ != nullptr && deadline_ns_ <= now_ns_) waiter_->Signal();
}

bool ManualClock::Settled() const noexcept {
    // A waiter with a signal is about to leave, and says so by coming back.
    return waiter_ != nullptr && deadline_ns_ > now_ns_ && !waiter_->IsSignalled();
}

void ManualClock::RequireSettled(Lock& lock) {
    if (wait_began_.wait_for(lock, kSettleLimit, [this] { return Settled(); })) return;
    std::fprintf(stderr, "ManualClock: at %" PRId64 " ns %s after 10 s of real time\n",
                 now_ns_,
                 waiter_ == nullptr ? "no thread waits" : "the waiter has not come back");
    std::abort();
}

}  // namespace shmd::testing
