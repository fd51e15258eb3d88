#include "fuzz/hand_clock.h"

#include <algorithm>

namespace shmd::fuzz {

namespace {

/** Sleeps, and does not spin: on a busy machine that costs a time slice. */
void Await(base::Wakeup& wakeup) noexcept {
    while (!wakeup.Consume())
        wakeup.WaitUntil(base::kNever);
}

}  // namespace

HandClock::Seat& HandClock::SeatOf(base::Wakeup& wakeup) {
    const std::scoped_lock lock{mutex_};
    const auto found = std::ranges::find(seats_, &wakeup, &Seat::wakeup);
    return found != seats_.end() ? *found : seats_.emplace_back(wakeup);
}

void HandClock::WaitUntil(int64_t /*deadline_ns*/, base::Wakeup& wakeup) noexcept {
    if (!is_released_) {
        Seat& seat = SeatOf(wakeup);
        waits_.Signal();
        fuzz::Await(seat.may_turn);
    }
    if (is_released_) wakeup.WaitUntil(base::kNever);
}

void HandClock::Await(size_t threads) {
    for (; awaited_ < threads; ++awaited_)
        fuzz::Await(waits_);
}

void HandClock::Turn(int64_t ns) {
    now_ns_ += ns;
    for (size_t i = 0; i < awaited_; ++i) {
        seats_[i].may_turn.Signal();
        fuzz::Await(waits_);
    }
}

void HandClock::Release() {
    is_released_ = true;
    const std::scoped_lock lock{mutex_};
    for (Seat& seat : seats_)
        seat.may_turn.Signal();
}

}  // namespace shmd::fuzz
