#pragma once

#include "base/unique_fd.h"

#include <csignal>
#include <optional>

namespace shmd::run {

/**
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT, held back and read from a descriptor instead.
 * The mask stays as it is set here until the process ends; children get the old one.
 */
class Signals {
  public:
    /** Errors: throws std::system_error. Thread: main, before any other starts. */
    Signals();

    /** Readable when a signal is pending. */
    [[nodiscard]] int Fd() const noexcept { return fd_.Get(); }

    struct Received {
        int signal;
        /** The terminal sent it (Ctrl-C): also to COMMAND, which is in our process group.
         */
        bool from_terminal;
    };

    /** Take one pending signal, without waiting. @return nothing when there is none */
    std::optional<Received> Take() noexcept;

    /** In a new process, before it executes: the mask that we were started with. */
    void Restore() const noexcept;

  private:
    base::UniqueFd fd_;
    sigset_t original_{};
};

}  // namespace shmd::run
