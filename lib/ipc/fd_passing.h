#pragma once

#include "base/unique_fd.h"

#include <cstddef>
#include <span>
#include <vector>

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
};

/**
 * Receive one message with up to wire::kMaxMessageFds descriptors, close-on-exec,
 * appended to `fds`. A message or a list of descriptors that did not fit is EMSGSIZE, and
 * the descriptors that came are closed.  Thread: any.
 */
Received ReceiveMessage(int socket, std::span<std::byte> buffer,
                        std::vector<base::UniqueFd>& fds, int flags);

}  // namespace shmd::ipc
