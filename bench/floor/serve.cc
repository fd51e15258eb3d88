#include "bench/floor/ring.h"
#include "bench/load/wake_times.h"

#include <sched.h>
#include <unistd.h>
#include <cstring>
#include <ctime>

namespace shmd::bench {
namespace {

void SleepUntil(int64_t time_ns) {
    const timespec time{.tv_sec = time_ns / 1'000'000'000,
                        .tv_nsec = time_ns % 1'000'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

/** As urgent as the servers make themselves, where this user may. */
void Hurry() {
    const sched_param urgent{.sched_priority = 10};
    sched_setscheduler(0, SCHED_FIFO, &urgent);
}

void Add(std::vector<int32_t>& mix, const int16_t* samples) {
    for (size_t i = 0; i < mix.size(); ++i)
        mix[i] += samples[i];
}

}  // namespace

void Serve(Rings& rings, uint32_t period_frames) {
    constexpr uint64_t kOne = 1;
    Hurry();
    std::vector<int32_t> mix(size_t{period_frames} * kChannels);
    const int64_t start_ns = NowNs();
    for (int64_t cycle = 1;; ++cycle) {
        SleepUntil(start_ns + cycle * period_frames * 1'000'000'000 / kRateHz);
        std::memset(mix.data(), 0, mix.size() * sizeof mix[0]);
        for (auto& ring : rings) {
            const uint64_t read = ring->Read().load(std::memory_order_relaxed);
            if (ring->Written().load(std::memory_order_acquire) < read + period_frames)
                continue;
            Add(mix, ring->At(read));
            ring->Read().store(read + period_frames, std::memory_order_release);
            [[maybe_unused]] const auto woken =
                write(ring->EventFd(), &kOne, sizeof kOne);
        }
    }
}

}  // namespace shmd::bench
