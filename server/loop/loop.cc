#include "loop/loop.h"

#include "loop/operation.h"

#include <utility>

namespace shmd::loop {

Loop::Loop(UringMode mode) : ring_{mode} {}

Loop::~Loop() {
    // What they captured may own handles, whose destructors cancel and may even defer.
    while (!deferred_.empty()) {
        const std::function<void()> dropped = std::move(deferred_.front());
        deferred_.pop_front();
    }
    while (in_flight_ > 0)
        Turn(1);
}

void Loop::Run() {
    while (!std::exchange(stop_, false))
        RunOnce();
}

void Loop::RunOnce() {
    Turn(deferred_.empty() ? 1 : 0);
    RunDeferred();
}

void Loop::Defer(std::function<void()> function) {
    deferred_.push_back(std::move(function));
}

void Loop::Turn(unsigned wait_for) {
    ring_.SubmitAndWait(wait_for);
    for (Completion completion; ring_.TryPop(completion);) {
        if (completion.user_data == Operation::kNobody) continue;
        reinterpret_cast<Operation*>(completion.user_data)
            ->Complete(completion.result, completion.flags);
    }
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
