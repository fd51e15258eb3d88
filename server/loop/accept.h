#pragma once

#include "base/unique_fd.h"
#include "loop/operation.h"

#include <cstdint>
#include <functional>

namespace shmd::loop {

class AcceptOperation;

/**
 * Accepts the connections that come to a listening socket (close-on-exec), one after the
 * other, while the loop is calm (CalmTask) and its owner has room: a crowd waits in the
 * backlog, and takes no descriptors of ours.
 *
 * Errors of a single connection are ignored. When descriptors or memory run out (EMFILE,
 * ENFILE, ENOBUFS, ENOMEM), it calls on_error, leaves the connection in the backlog, and
 * tries again every kRetryNs. After any other error it calls on_error and stops.
 */
class Acceptor {
  public:
    /** Long enough not to spin while nothing can be accepted, short for a client. */
    static constexpr int64_t kRetryNs = 100'000'000;

    /**
     * @param listen_fd  borrowed: closed by the caller after this is destroyed
     * @param on_accept  called with each new connection
     * @param on_error   called with a positive errno
     * @param has_room   asked before each connection but the first. When it returns
     *                   false, it is asked again after kRetryNs. Empty: always true
     *
     * Thread: loop.  Errors: std::system_error.  Either callback may destroy this.
     */
    Acceptor(Loop& loop, int listen_fd, std::function<void(base::UniqueFd)> on_accept,
             std::function<void(int error)> on_error,
             std::function<bool()> has_room = nullptr);
    ~Acceptor();

    /** Whether `error`, as given to on_error, is one after which it tries again. */
    static bool Recovers(int error) noexcept;

  private:
    OperationHandle<AcceptOperation> operation_;
};

}  // namespace shmd::loop
