#pragma once

#include <sys/wait.h>
#include <string>

namespace shmd::run {

/** How a process ended. */
struct ExitState {
    bool by_signal = false;
    /** The signal's number, or the exit status. */
    int value = 0;

    static ExitState From(const siginfo_t& info) noexcept {
        return {.by_signal = info.si_code != CLD_EXITED, .value = info.si_status};
    }

    [[nodiscard]] bool Succeeded() const noexcept { return !by_signal && value == 0; }

    /** What a shell would have in `$?`. */
    [[nodiscard]] int ShellStatus() const noexcept {
        return by_signal ? 128 + value : value;
    }

    /** "killed by signal 9 (Killed)" or "exit status 3". */
    [[nodiscard]] std::string Describe() const;
};

}  // namespace shmd::run
