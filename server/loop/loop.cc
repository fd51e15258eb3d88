#include "loop/loop.h"

#include "base/clock.h"
#include "loop/calm_task.h"
#include "loop/operation.h"
#include "loop/timer.h"
#include "loop/user_task.h"

#include <algorithm>
#include <ctime>
#include <utility>

namespace shmd::loop {

namespace {

int64_t NowNs() noexcept {
    return base::SystemClock{}.NowNs();
}

int64_t ProcessorTimeNs() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return int64_t{time.tv_sec} * base::kNsPerSecond + time.tv_nsec;
}

}  // namespace

Loop::Loop(UringMode mode)
    : ring_{mode}, next_task_{std::make_unique<Timer>(*this, [] {})} {
    set_aside_.reserve(Uring::kCompletionEntries);
}

Loop::~Loop() {
    // What they captured may own handles, whose destructors cancel and may even defer.
    while (!deferred_.empty()) {
        const std::function<void()> dropped = std::move(deferred_.front());
        deferred_.pop_front();
    }
    next_task_.reset();
    while (in_flight_ > 0)
        Turn(1);
}

void Loop::Run() {
    while (!std::exchange(stop_, false))
        RunOnce();
}

void Loop::RunOnce() {
    const bool waits = deferred_.empty() && calm_tasks_.empty() && !HasTaskAt(NowNs());
    Turn(waits ? 1 : 0);
    RunTasks();
    RunDeferred();
    RunCalmTask();
}

void Loop::Defer(std::function<void()> function) {
    deferred_.push_back(std::move(function));
}

void Loop::Turn(unsigned wait_for) {
    ring_.SubmitAndWait(set_aside_.empty() ? wait_for : 0);
    for (Completion completion; TryPop(completion);) {
        if (completion.user_data == Operation::kNobody) continue;
        reinterpret_cast<Operation*>(completion.user_data)
            ->Complete(completion.result, completion.flags);
    }
}

bool Loop::TryPop(Completion& completion) noexcept {
    if (set_aside_.empty()) return ring_.TryPop(completion);
    completion = set_aside_[first_set_aside_++];
    if (first_set_aside_ == set_aside_.size()) {
        set_aside_.clear();
        first_set_aside_ = 0;
    }
    return true;
}

/**
 * Submit what is queued; if the operation has completed by that, its completion is
 * dispatched here. Those of others wait for the next turn, so that a task pays only for
 * itself.
 */
void Loop::CompleteNow(Operation& operation) {
    ring_.SubmitAndWait(0);
    Completion completion;
    while (set_aside_.size() < set_aside_.capacity() && ring_.TryPop(completion)) {
        if (completion.user_data == operation.UserData())
            return operation.Complete(completion.result, completion.flags);
        set_aside_.push_back(completion);
    }
}

/** If not, the timer ends the wait when there is one. */
bool Loop::HasTaskAt(int64_t now_ns) {
    const int64_t next_ns = tasks_.NextTimeNs();
    if (next_ns <= now_ns) return true;
    next_task_->ArmAtNs(next_ns);
    return false;
}

void Loop::RunTasks() {
    for (int64_t left_ns = kTaskSliceNs; left_ns > 0;) {
        UserTask* const task = tasks_.Next(NowNs());
        if (task == nullptr) return;
        left_ns -= RunTask(*task);
    }
}

/** @return the processor time that it took, with all that it asked of the kernel */
int64_t Loop::RunTask(UserTask& task) {
    const uid_t user = task.User();
    const bool is_of_newcomer = task.IsOfNewcomer();
    const int64_t begin_ns = ProcessorTimeNs();
    running_task_ = &task;
    const auto charge = [&] {
        const int64_t cost_ns = ProcessorTimeNs() - begin_ns;
        tasks_.Charge(user, cost_ns, NowNs(), is_of_newcomer);
        return cost_ns;
    };
    try {
        task.Run();
        if (ring_.HasQueued()) ring_.SubmitAndWait(0);
    } catch (...) {
        running_task_ = nullptr;
        charge();
        throw;
    }
    const int64_t cost_ns = charge();
    if (UserTask* const same = std::exchange(running_task_, nullptr); same != nullptr)
        same->OnCost(cost_ns);
    return cost_ns;
}

/** One, as it may well bring tasks. */
void Loop::RunCalmTask() {
    if (!calm_tasks_.empty() && tasks_.CountNewcomers(NowNs()) < kMostNewcomers)
        calm_tasks_.front()->Run();
}

void Loop::RunDeferred() {
    // Only those that are there now: what they defer in turn waits for the next turn.
    for (size_t left = deferred_.size(); left > 0; --left) {
        const std::function<void()> function = std::move(deferred_.front());
        deferred_.pop_front();
        function();
    }
}

}  // namespace shmd::loop
