#pragma once

#include "tools/shmd-run/child.h"
#include "tools/shmd-run/layout.h"
#include "tools/shmd-run/signals.h"

#include <string>
#include <utility>
#include <vector>

namespace shmd::run {

/** What COMMAND finds in its environment besides what we were given. */
struct CommandEnvironment {
    std::vector<std::pair<std::string, std::string>> variables;

    /**
     * A command that becomes another user can talk to the server too: its environment
     * names the server's user.
     *
     * @param socket_path  the private server's socket
     * @param server_pid   its process, for COMMANDs that study it
     * @param config_path  the value for ALSA_CONFIG_PATH
     */
    static CommandEnvironment For(const std::string& socket_path, pid_t server_pid,
                                  const std::string& config_path, const Layout& layout);
};

/**
 * Start COMMAND: it has our standard streams, terminal and process group.
 * Errors: throws ExecError, std::system_error.
 */
Child StartCommand(const std::vector<std::string>& command,
                   const CommandEnvironment& environment, const Signals& signals);

/**
 * Wait for COMMAND's end, passing the signals that we get on to it. The server's end
 * in the meantime is reported on standard error, once.
 * Errors: throws std::system_error.
 */
ExitState WaitForCommand(Child& command, Child& server, Signals& signals);

}  // namespace shmd::run
