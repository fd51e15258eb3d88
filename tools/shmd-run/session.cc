#include "tools/shmd-run/session.h"

#include "tools/shmd-run/command.h"
#include "tools/shmd-run/layout.h"
#include "tools/shmd-run/leak_check.h"
#include "tools/shmd-run/private_config.h"
#include "tools/shmd-run/server_process.h"
#include "tools/shmd-run/signals.h"
#include "tools/shmd-run/temp_dir.h"

#include <cerrno>
#include <cstdio>

namespace shmd::run {
namespace {

/** COMMAND's exit status, or env's when it could not be executed. */
int RunCommand(const Options& options, const CommandEnvironment& environment,
               ServerProcess& server, Signals& signals) {
    try {
        Child command = StartCommand(options.command, environment, signals);
        return WaitForCommand(command, server.Process(), signals).ShellStatus();
    } catch (const ExecError& error) {
        std::fprintf(stderr, "shmd-run: %s\n", error.what());
        return error.code().value() == ENOENT ? kStatusNotFound : kStatusCannotRun;
    }
}

/** Stop the server. @return whether it ended as it should, now or earlier */
bool StopServer(ServerProcess& server) {
    const bool ended_early = server.Process().State().has_value();
    const ExitState state = server.Stop();
    if (!state.Succeeded() && !ended_early)
        std::fprintf(stderr, "shmd-run: the server failed while it stopped: %s\n",
                     state.Describe().c_str());
    return state.Succeeded();
}

}  // namespace

int RunSession(const Options& options) {
    Signals signals;
    const TempDir directory;
    const Layout layout = FindLayout();
    const std::string config = WritePrivateConfig(directory, layout, options.as_default);
    ServerProcess server{options, layout, directory, signals};
    if (const auto signal = server.WaitUntilReady(signals)) return 128 + *signal;

    LeakCheck leak_check{server.Process(), server.SocketPath()};
    const auto environment = CommandEnvironment::For(
        server.SocketPath(), server.Process().Pid(), config, layout);
    const int status = RunCommand(options, environment, server, signals);
    const bool leaked = leak_check.FindsLeak();
    const bool server_well = StopServer(server) && !(leaked && options.strict);
    return status == 0 && !server_well ? kStatusFailed : status;
}

}  // namespace shmd::run
