#pragma once

#include "base/unique_fd.h"
#include "loop/operation.h"

#include <sys/types.h>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace shmd::loop {

class SendOperation;

/**
 * Sends messages over a SOCK_SEQPACKET socket, one after the other, never blocking.
 *
 *     Send ── sendmsg ── done ──► the next waits for its user's turn
 *               └─ the socket is full ──► poll ── writable ──► waits for its user's turn
 *
 * Sending wakes everything that waits on the peer's end, so the peer can raise its cost.
 * Call Send in a UserTask of the peer's user, which charges that user.
 *
 * A message and its descriptors are kept until the kernel has them; the descriptors are
 * closed then. Destroying the sender drops what is still queued.
 */
class Sender {
  public:
    struct Peer {
        uid_t user;  // of the peer
        int fd;      // borrowed
        /** Owns `fd`: kept until the kernel has let go of it. */
        std::shared_ptr<const void> owner;
    };

    /** Each may destroy the sender. */
    struct Callbacks {
        /** Called once, with a positive errno (EPIPE, ECONNRESET: the peer is gone);
         * nothing is sent after it. */
        std::function<void(int error)> on_error;
        /** The last messages cost this thread more than an honest user's can
         * (UserTask::kTooDearNs). */
        std::function<void(int64_t cost_ns)> on_dear;
    };
    /** What a queued message costs beside its payload: its node, vectors and malloc's. */
    static constexpr size_t kMessageCostBytes = 256;

    /** kernel SCM_MAX_FD: more descriptors in a message are refused with EINVAL. */
    static constexpr size_t kMaxFds = 253;

    /**
     * @param max_queued_bytes  most bytes that wait for a slow peer, kMessageCostBytes a
     *                          message included
     *
     * Thread: loop.  Errors: std::system_error.
     */
    Sender(Loop& loop, Peer peer, size_t max_queued_bytes, Callbacks callbacks);
    ~Sender();

    /**
     * Queue a message.
     * @param message  at least 1 byte: the peer takes an empty one for the end
     * @param fds      0 to kMaxFds
     * @return false when the queue is full or an error was reported: the message is
     *         dropped and its descriptors are closed
     */
    bool Send(std::vector<std::byte> message, std::vector<base::UniqueFd> fds = {});

    /** What the messages that the kernel has not taken yet cost, 0 to max_queued_bytes.
     */
    [[nodiscard]] size_t QueuedBytes() const noexcept;

    /**
     * Call `on_empty` once, when the kernel has taken all that is queued: for a last word
     * before the connection is closed. Called at once when nothing is queued, and never
     * after an error. Replaces an earlier one.
     */
    void WhenEmpty(std::function<void()> on_empty);

    /** From now on the peer counts as no newcomer (CalmTask). */
    void SettleIn() noexcept;

  private:
    OperationHandle<SendOperation> operation_;
};

}  // namespace shmd::loop
