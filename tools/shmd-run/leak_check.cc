#include "tools/shmd-run/leak_check.h"

#include "base/clock.h"

#include <cstdio>
#include <filesystem>
#include <utility>

namespace shmd::run {
namespace {

constexpr int64_t kSettleTimeoutNs = 2 * base::kNsPerSecond;
constexpr int64_t kPollIntervalNs = 5 * base::kNsPerMs;

}  // namespace

LeakCheck::LeakCheck(Child& server, std::string socket_path)
    : server_{server},
      socket_path_{std::move(socket_path)},
      baseline_{Resources::Of(server.Pid())} {}

/** @return true when it let go of everything in time */
bool LeakCheck::LetGo() {
    const base::SystemClock clock;
    const int64_t deadline_ns = clock.NowNs() + kSettleTimeoutNs;
    while (clock.NowNs() < deadline_ns) {
        if (CountConnections(socket_path_) == 0 &&
            Resources::Of(server_.Pid()).BeyondThose(baseline_).empty())
            return true;
        if (server_.WaitUntil(clock.NowNs() + kPollIntervalNs)) return true;
    }
    return false;
}

bool LeakCheck::HeldByOthers() const {
    const size_t connections = CountConnections(socket_path_);
    const auto holders = ProcessesWith("SHMD_SOCKET=" + socket_path_);
    if (connections == 0 || holders.empty()) return false;
    std::fprintf(stderr,
                 "shmd-run: %zu connection(s) still open, and these processes of the "
                 "command still running:",
                 connections);
    for (const std::string& holder : holders)
        std::fprintf(stderr, " %s", holder.c_str());
    std::fprintf(stderr, "\n");
    return true;
}

bool LeakCheck::TellsOfLeak() {
    if (LetGo() || HeldByOthers()) return false;
    const auto leaks = Resources::Of(server_.Pid()).BeyondThose(baseline_);
    if (leaks.empty()) return false;
    std::fprintf(stderr,
                 "shmd-run: the server still holds what it did not hold before:\n");
    for (const std::string& leak : leaks)
        std::fprintf(stderr, "shmd-run:   %s\n", leak.c_str());
    return true;
}

bool LeakCheck::FindsLeak() {
    if (server_.State()) return false;
    try {
        return TellsOfLeak();
    } catch (const std::filesystem::filesystem_error&) {
        // Its files in /proc went away with it; if it is alive they are closed to us.
        if (server_.WaitUntil(base::SystemClock{}.NowNs())) return false;
        throw;
    }
}

}  // namespace shmd::run
