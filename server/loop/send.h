#pragma once

#include "base/unique_fd.h"
#include "loop/operation.h"

#include <cstddef>
#include <functional>
#include <vector>

namespace shmd::loop {

class SendOperation;

/**
 * Sends messages over a SOCK_SEQPACKET socket, one after the other, never blocking.
 *
 * A message and its descriptors are kept until the kernel has them; the descriptors are
 * closed then. Destroying the sender drops what is still queued.
 */
class Sender {
  public:
    /** kernel SCM_MAX_FD: more descriptors in a message are refused with EINVAL. */
    static constexpr size_t kMaxFds = 253;

    /**
     * @param fd                borrowed: closed by the caller after this is destroyed
     * @param max_queued_bytes  most payload bytes that wait for a slow peer
     * @param on_error          called once, with a positive errno (EPIPE, ECONNRESET: the
     *                          peer is gone); nothing is sent after it
     *
     * Thread: loop.  Errors: std::system_error.  The callback may destroy this.
     */
    Sender(Loop& loop, int fd, size_t max_queued_bytes,
           std::function<void(int error)> on_error);
    ~Sender();

    /**
     * Queue a message.
     * @param message  at least 1 byte: the peer takes an empty one for the end
     * @param fds      0 to kMaxFds
     * @return false when the queue is full or an error was reported: the message is
     *         dropped and its descriptors are closed
     */
    bool Send(std::vector<std::byte> message, std::vector<base::UniqueFd> fds = {});

    /** Payload bytes that the kernel has not taken yet, 0 to max_queued_bytes. */
    [[nodiscard]] size_t QueuedBytes() const noexcept;

    /**
     * Call `on_empty` once, when the kernel has taken all that is queued: for a last word
     * before the connection is closed. Called at once when nothing is queued, and never
     * after an error. Replaces an earlier one.
     */
    void WhenEmpty(std::function<void()> on_empty);

  private:
    OperationHandle<SendOperation> operation_;
};

}  // namespace shmd::loop
