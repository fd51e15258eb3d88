#include "loop/calm_task.h"

#include "loop/loop.h"

#include <utility>

namespace shmd::loop {

CalmTask::CalmTask(Loop& loop, std::function<void()> run)
    : loop_{loop}, run_{std::move(run)}, place_{this}, at_{place_.begin()} {}

CalmTask::~CalmTask() {
    Cancel();
}

void CalmTask::Request() noexcept {
    if (std::exchange(is_waiting_, true)) return;
    loop_.calm_tasks_.splice(loop_.calm_tasks_.end(), place_);
}

void CalmTask::Cancel() noexcept {
    if (!std::exchange(is_waiting_, false)) return;
    place_.splice(place_.end(), loop_.calm_tasks_, at_);
}

void CalmTask::Run() {
    Cancel();
    const auto run = run_;  // which may destroy this
    run();
}

}  // namespace shmd::loop
