#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"

#include <cstdint>

namespace shmd::client {

/**
 * The one descriptor that an application polls. It is readable
 *  - while the connection's socket is (a wake is there, or the server is gone),
 *  - from the time on that this side has set,
 *  - at intervals while there is no connection, so that the stream looks for a server.
 *
 * It is an epoll over the socket and a timer, so no thread has to watch both.
 * Thread: one at a time.
 */
class Readiness {
  public:
    /** @param socket  borrowed.  Errors: std::system_error. */
    explicit Readiness(int socket);

    [[nodiscard]] int PollFd() const noexcept { return epoll_.Get(); }
    /** Since when it is readable; base::kNever: only the socket makes it readable. */
    [[nodiscard]] int64_t RaisedAtNs() const noexcept { return raised_at_ns_; }

    /** Realtime: one system call, or none when it is so already. */
    void Raise() noexcept { RaiseAt(kLongAgoNs); }
    void RaiseAt(int64_t time_ns) noexcept;
    void Lower() noexcept;

    /**
     * Instead of the socket, which is closed after this: readable every `interval_ns`,
     * each time until Lower().
     */
    void WatchTime(int socket, int64_t interval_ns) noexcept;

    /** Watch a new connection's socket too, until it is closed.
     * Errors: std::system_error. */
    void WatchSocket(int socket);
    void ForgetTime() noexcept;

  private:
    static constexpr int64_t kLongAgoNs = 1;  // 0 would disarm the timer

    void SetTimer(int64_t time_ns) noexcept;

    base::UniqueFd timer_;
    base::UniqueFd epoll_;
    int64_t raised_at_ns_ = base::kNever;
    int64_t interval_ns_ = 0;
};

}  // namespace shmd::client
