#pragma once

#include "base/unique_fd.h"
#include "tools/shmd-run/child.h"
#include "tools/shmd-run/layout.h"
#include "tools/shmd-run/options.h"
#include "tools/shmd-run/signals.h"
#include "tools/shmd-run/temp_dir.h"

#include <cstdint>
#include <optional>
#include <string>

namespace shmd::run {

/**
 * The private server. Its listening socket is ours and exists before it does (socket
 * activation: LISTEN_FDS=1, descriptor 3), so no client can come too early. It dies with
 * us, however we end.
 *
 *     starting ──READY=1 on NOTIFY_SOCKET──► ready ──Stop()──► ended
 *        └───────────────── ends by itself ────┴──────────────────▲
 */
class ServerProcess {
  public:
    /** Start it. Errors: throws ExecError, std::system_error. */
    ServerProcess(const Options& options, const Layout& layout, const TempDir& directory,
                  const Signals& signals);
    ServerProcess(const ServerProcess&) = delete;
    ServerProcess& operator=(const ServerProcess&) = delete;
    /** Kills it if it still runs. */
    ~ServerProcess();

    /**
     * Wait until it says that it is ready; bounded.
     *
     * @return the signal that ended the wait early, or nothing: it is ready
     * Errors: throws std::runtime_error when it ends first, or takes too long.
     */
    std::optional<int> WaitUntilReady(Signals& signals);

    /** SIGTERM, and SIGKILL when that does not end it in time. @return how it ended */
    ExitState Stop();

    [[nodiscard]] Child& Process() noexcept { return child_; }
    [[nodiscard]] const std::string& SocketPath() const noexcept { return socket_path_; }

  private:
    void Prepare(const Signals& signals, pid_t parent) const;
    [[nodiscard]] bool SaidReady() const;

    std::string socket_path_;
    std::string notify_path_;
    base::UniqueFd listener_;
    base::UniqueFd notify_;
    base::UniqueFd log_;
    int64_t patience_;
    Child child_;
};

}  // namespace shmd::run
