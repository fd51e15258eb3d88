#include "loop/user_task.h"

#include "loop/loop.h"

#include <utility>

namespace shmd::loop {

UserTask::UserTask(Loop& loop, uid_t user, std::function<void()> run,
                   std::function<void(int64_t)> on_dear)
    : loop_{loop}, user_{user}, run_{std::move(run)}, on_dear_{std::move(on_dear)} {
    loop_.tasks_.Register(user_);
}

UserTask::~UserTask() {
    Cancel();
    loop_.tasks_.Unregister(user_);
    if (loop_.running_task_ == this) loop_.running_task_ = nullptr;
}

void UserTask::Request() noexcept {
    if (std::exchange(is_waiting_, true)) return;
    loop_.tasks_.Add(user_, place_);
}

void UserTask::Cancel() noexcept {
    if (!std::exchange(is_waiting_, false)) return;
    loop_.tasks_.Remove(user_, place_);
}

void UserTask::SettleIn() noexcept {
    const bool was_waiting = is_waiting_;
    Cancel();
    place_.is_of_newcomer = false;
    if (was_waiting) Request();
}

void UserTask::Run() {
    Cancel();
    const auto run = run_;  // which may destroy this
    run();
}

void UserTask::OnCost(int64_t cost_ns) {
    too_dear_in_a_row_ = cost_ns > kTooDearNs ? too_dear_in_a_row_ + 1 : 0;
    if (too_dear_in_a_row_ < kMostTooDearInARow) return;
    const auto on_dear = on_dear_;  // which may destroy this
    on_dear(cost_ns);
}

}  // namespace shmd::loop
