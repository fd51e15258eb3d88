#include "bench/load/wake_times.h"

#include <algorithm>
#include <ctime>

namespace shmd::bench {

WakeTimes::WakeTimes(uint32_t period_frames) : period_frames_{period_frames} {
    offsets_ns_.reserve(kMostWakes);
}

void WakeTimes::Add(int64_t now_ns, uint64_t periods) noexcept {
    if (offsets_ns_.size() == kMostWakes) return;
    const auto frames = static_cast<int64_t>(periods * period_frames_);
    offsets_ns_.push_back(now_ns - frames * 1'000'000'000 / kRateHz);
}

Lateness WakeTimes::Summary() const {
    auto sorted = offsets_ns_;
    std::sort(sorted.begin(), sorted.end());
    if (sorted.empty()) return {};
    const auto after_first = [&](size_t index) { return sorted[index] - sorted.front(); };
    return {.wakes = sorted.size(),
            .p50_ns = after_first(sorted.size() / 2),
            .p99_ns = after_first(sorted.size() * 99 / 100),
            .most_ns = after_first(sorted.size() - 1)};
}

int64_t NowNs() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace shmd::bench
