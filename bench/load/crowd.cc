#include "bench/load/crowd.h"

#include "bench/load/process.h"
#include "bench/load/writer.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace shmd::bench {
namespace {

using nlohmann::json;

// Reading them takes longer than the rest of a sample: those of some writers will do.
constexpr uint32_t kSwitchesOf = 8;
constexpr uint32_t kPssOf = 16;

// At once: more than one program opens in the same moment, and hundreds do not; a server
// need not keep so many waiting.
constexpr size_t kMostStarting = 4;

constexpr int64_t kSecondNs = 1'000'000'000;

void Sleep(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>{seconds});
}

/** `value` as it would have grown in a second. */
double PerSecond(int64_t grown, int64_t in_ns) {
    return static_cast<double>(grown) * kSecondNs / static_cast<double>(in_ns);
}

}  // namespace

Crowd::Crowd(MakePlayer make_player, CrowdOptions options)
    : make_player_{std::move(make_player)},
      options_{std::move(options)},
      board_{options_.streams} {}

Crowd::~Crowd() {
    for (const pid_t pid : writers_)
        kill(pid, SIGKILL);
    for (const pid_t pid : writers_)
        waitpid(pid, nullptr, 0);
}

json Crowd::Measure() {
    Fork();
    Sleep(options_.settle_s);
    board_.Measures() = true;
    const auto before = TakeSamples();
    Sleep(options_.window_s);
    const auto after = TakeSamples();
    board_.Measures() = false;
    json report{{"streams", options_.streams},
                {"servers", json::array()},
                {"server_pss_kib", PssOf(options_.servers)}};
    report["writer_pss_kib"] =
        PssOf({writers_.begin(), writers_.begin() + std::min(options_.streams, kPssOf)});
    RequireNoneFailed();
    Stop();
    for (uint32_t i = 0; i < options_.streams; ++i)
        report["writers"].push_back(WriterReport(i, before[i], after[i]));
    for (size_t i = 0; i < options_.servers.size(); ++i) {
        const auto& first = before[options_.streams + i];
        const auto& last = after[options_.streams + i];
        const int64_t time_ns = last.time_ns - first.time_ns;
        report["servers"].push_back(
            {{"processor",
              PerSecond(last.processor_ns - first.processor_ns, time_ns) / 1e9},
             {"switches",
              PerSecond(static_cast<int64_t>(last.switches - first.switches), time_ns)}});
    }
    return report;
}

void Crowd::Fork() {
    const int64_t end_ns = NowNs() + (20 + options_.streams / 8) * kSecondNs;
    for (uint32_t i = 0; i < options_.streams; ++i) {
        const pid_t pid = fork();
        if (pid < 0) throw std::system_error{errno, std::system_category(), "fork"};
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            const auto player = make_player_(i);
            const bool well =
                Writer{*player, board_, board_.Slots()[i]}.Run(options_.size);
            // Not exit(): what the parent would do at its end is not the child's.
            _exit(well ? 0 : 1);
        }
        writers_.push_back(pid);
        AwaitStarting(kMostStarting, end_ns);
    }
    AwaitStarting(0, end_ns);
}

/** Until at most so many of those that were forked are still opening. */
void Crowd::AwaitStarting(size_t most, int64_t end_ns) {
    const auto starts = [](Slot& slot) {
        return slot.state.load(std::memory_order_acquire) == Slot::kStarting;
    };
    const auto forked = board_.Slots().first(writers_.size());
    while (std::cmp_greater(std::count_if(forked.begin(), forked.end(), starts), most)) {
        RequireNoneFailed();
        if (NowNs() > end_ns) throw std::runtime_error{"not all writers came to play"};
        Sleep(0.001);
    }
    RequireNoneFailed();
}

void Crowd::RequireNoneFailed() {
    for (auto& slot : board_.Slots())
        if (slot.state.load(std::memory_order_acquire) == Slot::kFailed)
            throw std::runtime_error{slot.error.data()};
}

/** They end by themselves; those that hang are killed later, and tell no lateness. */
void Crowd::Stop() {
    board_.Stops() = true;
    const int64_t end_ns = NowNs() + 5 * kSecondNs;
    const auto has_ended = [](Slot& slot) {
        return slot.state.load(std::memory_order_acquire) >= Slot::kFailed;
    };
    while (!std::all_of(board_.Slots().begin(), board_.Slots().end(), has_ended) &&
           NowNs() < end_ns)
        Sleep(0.01);
}

std::vector<Crowd::Sample> Crowd::TakeSamples() {
    std::vector<Sample> samples;
    for (uint32_t i = 0; i < options_.streams; ++i)
        samples.push_back(SampleWriter(i));
    for (const pid_t pid : options_.servers)
        samples.push_back({.time_ns = NowNs(),
                           .processor_ns = ProcessorNs(pid),
                           .switches = ContextSwitches(pid)});
    return samples;
}

Crowd::Sample Crowd::SampleWriter(uint32_t index) {
    const auto& slot = board_.Slots()[index];
    Sample sample{.time_ns = NowNs(),
                  .processor_ns = ProcessorNs(writers_[index]),
                  .periods = slot.periods,
                  .wakes = slot.wakes,
                  .idle_wakes = slot.idle_wakes,
                  .timeouts = slot.timeouts,
                  .xruns = slot.xruns};
    if (index < kSwitchesOf) sample.switches = ContextSwitches(writers_[index]);
    return sample;
}

std::vector<uint64_t> Crowd::PssOf(const std::vector<pid_t>& pids) const {
    std::vector<uint64_t> sizes;
    for (const pid_t pid : pids)
        sizes.push_back(PssKib(pid));
    return sizes;
}

json Crowd::WriterReport(uint32_t index, const Sample& before, const Sample& after) {
    const auto& slot = board_.Slots()[index];
    json report{
        {"period", slot.size.period_frames},
        {"buffer", slot.size.buffer_frames},
        {"open_ns", slot.open_ns},
        {"window_ns", after.time_ns - before.time_ns},
        {"processor_ns", after.processor_ns - before.processor_ns},
        {"periods", after.periods - before.periods},
        {"wakes", after.wakes - before.wakes},
        {"idle_wakes", after.idle_wakes - before.idle_wakes},
        {"timeouts", after.timeouts - before.timeouts},
        {"xruns", after.xruns - before.xruns},
        {"late_p50_ns", slot.lateness.p50_ns},
        {"late_p99_ns", slot.lateness.p99_ns},
        {"late_most_ns", slot.lateness.most_ns},
    };
    if (index < kSwitchesOf) report["switches"] = after.switches - before.switches;
    return report;
}

}  // namespace shmd::bench
