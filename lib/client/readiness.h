#pragma once

#include "base/unique_fd.h"

#include <cstdint>

namespace shmd::client {

/**
 * The one descriptor that an application polls: readable while the connection's socket is
 * (a wake is there, or the server is gone), while this side raised it itself, and now and
 * then while there is no connection, so that another is tried.
 *
 * It is an epoll over them, so it needs no thread to pass one on to the other.
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

    /**
     * Instead of the socket, which is closed after this: readable every `interval_ns`,
     * until Lower().  Errors: std::system_error.
     */
    void WatchTime(int socket, int64_t interval_ns);

    /** A new connection's socket besides; when that is closed it is not watched any more.
     * Errors: std::system_error. */
    void WatchSocket(int socket);
    void ForgetTime() noexcept { timer_ = {}; }

  private:
    base::UniqueFd event_;
    base::UniqueFd timer_;
    base::UniqueFd epoll_;
    bool is_raised_ = false;
};

}  // namespace shmd::client
