#include "bench/load/alone.h"

#include "bench/load/process.h"
#include "bench/load/wake_times.h"
#include "bench/load/writer.h"

#include <unistd.h>
#include <chrono>
#include <stdexcept>
#include <thread>

namespace shmd::bench {

using nlohmann::json;

json PlayAlone(Player& player, const CrowdOptions& options) {
    const int64_t start_ns = NowNs();
    const auto size = player.Open(options.size);
    while (player.Write(1) == 0U)
        player.Wait();
    const int64_t opened_ns = NowNs();
    player.Write(kAllPeriods);
    const auto end_ns = opened_ns + static_cast<int64_t>(options.window_s * 1e9);
    const std::chrono::nanoseconds period{int64_t{size.period_frames} * 1'000'000'000 /
                                          kRateHz};
    uint64_t periods = 0;
    uint64_t xruns = 0;
    auto due = std::chrono::steady_clock::now();
    while (NowNs() < end_ns) {
        const auto wake = player.Wait();
        const auto written = player.Write(kAllPeriods);
        periods += written.value_or(0);
        if (wake == Player::Wake::kXrun || !written) {
            ++xruns;
            player.Recover();
        }
        // One that plays in time never finds more than its buffer to fill.
        due += period * written.value_or(1);
        if (written.value_or(0) > size.buffer_frames / size.period_frames / 2)
            std::this_thread::sleep_until(due);
    }
    return {{"pid", getpid()},
            {"pss_kib", PssKib(getpid())},
            {"periods", periods},
            {"xruns", xruns},
            {"period", size.period_frames},
            {"buffer", size.buffer_frames},
            {"open_ns", opened_ns - start_ns}};
}

json OpenAgainAndAgain(const MakePlayer& make_player, Player::Size size, uint32_t count) {
    json times_ns = json::array();
    for (uint32_t i = 0; i < count; ++i) {
        const auto player = make_player(i);
        const int64_t start_ns = NowNs();
        player->Open(size);
        while (player->Write(1) == 0U)
            player->Wait();
        times_ns.push_back(NowNs() - start_ns);
    }
    return {{"open_ns", times_ns}};
}

}  // namespace shmd::bench
