#pragma once

#include "base/unique_fd.h"

namespace shmd::client {

/**
 * The one descriptor that an application polls: readable while the connection's socket is
 * (a wake is there, or the server is gone) or while this side raised it itself.
 *
 * It is an epoll over the two, so it needs no thread to pass one on to the other.
 * Thread: one at a time.
 */
class Readiness {
  public:
    /** @param socket  borrowed.  Errors: std::system_error. */
    explicit Readiness(int socket);

    [[nodiscard]] int PollFd() const noexcept { return epoll_.Get(); }
    [[nodiscard]] bool IsRaised() const noexcept { return is_raised_; }

    /** Realtime: one system call, or none when it is so already. */
    void Raise() noexcept;
    void Lower() noexcept;

  private:
    base::UniqueFd event_;
    base::UniqueFd epoll_;
    bool is_raised_ = false;
};

}  // namespace shmd::client
