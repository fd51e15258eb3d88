#pragma once

#include "ipc/fd_list.h"

#include <cstddef>
#include <span>

namespace shmd::ipc {

/**
 * Send one message with descriptors, which stay the caller's. Never raises SIGPIPE.
 * @param flags  of sendmsg(2): MSG_DONTWAIT or 0
 * @return 0, or an errno.  Thread: any.  Allocates nothing.
 */
int SendMessage(int socket, std::span<const std::byte> message, std::span<const int> fds,
                int flags) noexcept;

/** The same for a message in two pieces, which arrives as one. */
int SendMessage(int socket, std::span<const std::byte> head,
                std::span<const std::byte> body, int flags) noexcept;

struct Received {
    int error;     // 0, an errno, or ECONNRESET at the end of the connection
    size_t bytes;  // of the message
    // Why this process could not take the descriptors of a message that is good
    // otherwise: EMFILE, its table is full, or EACCES, a security module forbids it.
    int fds_error = 0;
};

/**
 * Receive one message, and into `fds`, which is emptied first, its descriptors,
 * close-on-exec. EMSGSIZE is the peer's fault: a message longer than `buffer`, or more
 * descriptors than the protocol has, which are closed.
 * Thread: any.  Allocates nothing.
 */
Received ReceiveMessage(int socket, std::span<std::byte> buffer, FdList& fds,
                        int flags) noexcept;

}  // namespace shmd::ipc
