#include "bench/load/writer.h"

#include <cstdio>
#include <exception>
#include <stdexcept>

namespace shmd::bench {
namespace {

/** Only its writer adds to a counter: a plain store does, and no locked instruction. */
void Count(std::atomic<uint64_t>& counter, uint64_t more = 1) {
    counter.store(counter.load(std::memory_order_relaxed) + more,
                  std::memory_order_relaxed);
}

}  // namespace

Writer::Writer(Player& player, Board& board, Slot& slot)
    : player_{player}, board_{board}, slot_{slot} {}

bool Writer::Run(Player::Size wanted) noexcept {
    try {
        Start(wanted);
        WakeTimes times{slot_.size.period_frames};
        while (!board_.Stops().load(std::memory_order_relaxed))
            Turn(times);
        slot_.lateness = times.Summary();
        slot_.state.store(Slot::kEnded, std::memory_order_release);
        return true;
    } catch (const std::exception& error) {
        std::snprintf(slot_.error.data(), slot_.error.size(), "%s", error.what());
        slot_.state.store(Slot::kFailed, std::memory_order_release);
        return false;
    }
}

void Writer::Start(Player::Size wanted) {
    const int64_t start_ns = NowNs();
    slot_.size = player_.Open(wanted);
    while (player_.Write(1) == 0U)
        player_.Wait();
    slot_.open_ns = NowNs() - start_ns;
    Fill();
    slot_.state.store(Slot::kRunning, std::memory_order_release);
}

/** @return how many periods that took */
uint32_t Writer::Fill() {
    uint32_t sum = 0;
    while (const uint32_t written = player_.Write(kAllPeriods).value_or(0))
        sum += written;
    return sum;
}

void Writer::Turn(WakeTimes& times) {
    const auto wake = player_.Wait();
    const int64_t now_ns = NowNs();
    if (wake == Player::Wake::kXrun) return OnXrun(times);
    if (wake == Player::Wake::kTimeout) return Count(slot_.timeouts);
    Count(slot_.wakes);
    if (wake == Player::Wake::kNothing) return Count(slot_.idle_wakes);
    if (board_.Measures().load(std::memory_order_relaxed))
        times.Add(now_ns, slot_.periods.load(std::memory_order_relaxed));
    const auto written = player_.Write(kAllPeriods);
    if (!written) return OnXrun(times);
    // Room was promised, and there was none: woken for nothing.
    if (*written == 0) Count(slot_.idle_wakes);
    Count(slot_.periods, *written);
}

void Writer::OnXrun(WakeTimes& times) {
    Count(slot_.xruns);
    // What comes after the window is no part of it, and who reads its memory disturbs it.
    if (board_.Measures().load(std::memory_order_relaxed)) times.Restart();
    player_.Recover();
    Count(slot_.periods, Fill());
}

}  // namespace shmd::bench
