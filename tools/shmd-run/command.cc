#include "tools/shmd-run/command.h"

#include "base/clock.h"
#include "base/error.h"

#include <poll.h>
#include <unistd.h>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace shmd::run {
namespace {

/** `runtime`, before what is preloaded already. */
std::string PreloadWith(const std::string& runtime) {
    const char* present = std::getenv("LD_PRELOAD");
    return present == nullptr ? runtime : runtime + ":" + present;
}

void Forward(Signals& signals, Child& command) {
    while (const auto received = signals.Take())
        if (!received->from_terminal) command.Signal(received->signal);
}

void ReportServerEnd(const Child& server) {
    std::fprintf(stderr, "shmd-run: the server ended before the command: %s\n",
                 server.State()->Describe().c_str());
}

}  // namespace

CommandEnvironment CommandEnvironment::For(const std::string& socket_path,
                                           pid_t server_pid,
                                           const std::string& config_path,
                                           const Layout& layout) {
    CommandEnvironment environment{{{"SHMD_SOCKET", socket_path},
                                    {"SHMD_SERVER_USER", std::to_string(geteuid())},
                                    {"SHMD_SERVER_PID", std::to_string(server_pid)},
                                    {"ALSA_CONFIG_PATH", config_path}}};
    if (!layout.preload.empty()) {
        environment.variables.emplace_back("LD_PRELOAD", PreloadWith(layout.preload));
        // The programs that load our module have leaks of their own.
        if (std::getenv("ASAN_OPTIONS") == nullptr)
            environment.variables.emplace_back("ASAN_OPTIONS", "detect_leaks=0");
    }
    return environment;
}

Child StartCommand(const std::vector<std::string>& command,
                   const CommandEnvironment& environment, const Signals& signals) {
    return Child{command, [&environment, &signals] {
                     for (const auto& [name, value] : environment.variables)
                         setenv(name.c_str(), value.c_str(), 1);
                     signals.Restore();
                 }};
}

ExitState WaitForCommand(Child& command, Child& server, Signals& signals) {
    const base::SystemClock clock;
    // A negative descriptor is one that poll(2) leaves out.
    std::array<pollfd, 3> entries{{{command.PidFd(), POLLIN, 0},
                                   {signals.Fd(), POLLIN, 0},
                                   {server.PidFd(), POLLIN, 0}}};
    while (!command.WaitUntil(clock.NowNs())) {
        Forward(signals, command);
        if (entries[2].fd >= 0 && server.WaitUntil(clock.NowNs())) {
            ReportServerEnd(server);
            entries[2].fd = -1;
        }
        if (poll(entries.data(), entries.size(), -1) < 0 && errno != EINTR)
            base::ThrowErrno("poll");
    }
    return *command.State();
}

}  // namespace shmd::run
