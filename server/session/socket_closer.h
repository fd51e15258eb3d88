#pragma once

#include "loop/helpers.h"
#include "loop/loop.h"
#include "loop/receive.h"
#include "session/accepted_socket.h"

#include <sys/types.h>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace shmd::session {

/**
 * Closes clients' sockets. At each turn of a socket's user it discards one message, until
 * the socket is empty. So the work is charged to the user that left the messages.
 *
 * While a user's helper thread has much to close, those sockets of that user wait that
 * may hold descriptors: MayTakeFrom.
 *
 * Thread: loop.
 */
class SocketCloser {
  public:
    SocketCloser(loop::Loop& loop, loop::Helpers& helpers);
    SocketCloser(const SocketCloser&) = delete;
    SocketCloser& operator=(const SocketCloser&) = delete;
    /** Sockets that are not closed yet are left to the end of the process. */
    ~SocketCloser();

    /**
     * @param discard  closes a descriptor that came and that no session has taken
     * @return the socket; when its last owner releases it, this closes it
     * Errors: std::bad_alloc.
     */
    std::shared_ptr<AcceptedSocket> Own(uid_t user, AcceptedSocket socket,
                                        loop::Receiver::Discard discard);

    /** Whether another message may be taken from a socket of `user`: descriptors that
     * come with it have to be closed, and that may never end. */
    [[nodiscard]] bool MayTakeFrom(uid_t user,
                                   const AcceptedSocket& socket) const noexcept;

    /** Sockets that are owned, or not closed yet. */
    [[nodiscard]] size_t Count() const noexcept;

    /** Turn the loop until Count() is 0, but for `most_ns` at most. Not in a turn. */
    void Finish(int64_t most_ns);

  private:
    class State;

    loop::Loop& loop_;
    std::shared_ptr<State> state_;
};

}  // namespace shmd::session
