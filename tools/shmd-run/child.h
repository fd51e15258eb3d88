#pragma once

#include "base/unique_fd.h"
#include "tools/shmd-run/exit_state.h"

#include <sys/types.h>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

namespace shmd::run {

/** A program that could not be executed; code() holds the errno of execvp. */
class ExecError : public std::system_error {
  public:
    using std::system_error::system_error;
};

/**
 * One child process. It is known by a pidfd, so a signal can never reach a stranger that
 * was given the same number.
 *
 *     running ──Wait sees the end──► ended (reaped; State() tells how)
 */
class Child {
  public:
    /**
     * Run `arguments[0]`, searched in PATH.
     *
     * @param arguments  not empty
     * @param prepare    called in the new process before it executes; what it throws
     *                   ends that process and is reported as an ExecError
     *
     * Returns when the program runs.  Errors: throws ExecError, std::system_error.
     */
    Child(const std::vector<std::string>& arguments,
          const std::function<void()>& prepare);

    [[nodiscard]] pid_t Pid() const noexcept { return pid_; }

    /** Readable once the process has ended. */
    [[nodiscard]] int PidFd() const noexcept { return pidfd_.Get(); }

    /** How it ended; empty while it runs, and until it was waited for. */
    [[nodiscard]] const std::optional<ExitState>& State() const noexcept {
        return state_;
    }

    /** Wait at most until `deadline_ns` (base::SystemClock). @return whether it has
     * ended. */
    bool WaitUntil(int64_t deadline_ns);

    /** Send `signal`; nothing happens when it has ended. */
    void Signal(int signal) noexcept;

  private:
    void Reap();

    pid_t pid_ = -1;
    base::UniqueFd pidfd_;
    std::optional<ExitState> state_;
};

}  // namespace shmd::run
