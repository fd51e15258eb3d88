#pragma once

#include "base/unique_fd.h"
#include "session/charge.h"

#include <utility>

namespace shmd::session {

/**
 * A client's socket, which is emptied before it is closed.
 *
 * close(2) frees what was not received all at once, and each message that is freed wakes
 * all that waits on the client's end: 278 messages and 300,000 idle epoll entries held a
 * processor for 2.2 s, inside the kernel, where one without preemption runs nothing else,
 * not even an audio thread. Receiving frees one message a call.
 *
 * Destroy it on a helper thread: it takes as long as the client likes.
 */
class AcceptedSocket {
  public:
    /** @param charge  given back when the socket is closed */
    explicit AcceptedSocket(base::UniqueFd socket, Charge charge = {}) noexcept
        : charge_{std::move(charge)}, socket_{std::move(socket)} {}
    AcceptedSocket(const AcceptedSocket&) = delete;
    AcceptedSocket& operator=(const AcceptedSocket&) = delete;
    ~AcceptedSocket();

    [[nodiscard]] int Get() const noexcept { return socket_.Get(); }

  private:
    Charge charge_;
    base::UniqueFd socket_;
};

}  // namespace shmd::session
