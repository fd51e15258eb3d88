#pragma once

#include "base/unique_fd.h"
#include "loop/message_buffer.h"
#include "loop/operation.h"

#include <sys/types.h>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

namespace shmd::loop {

class ReceiveOperation;

/**
 * Receives the messages of a SOCK_SEQPACKET socket and the descriptors that come with
 * them (close-on-exec), in order, one at each turn of the user who sends them:
 *
 *     poll ── readable ──► waits for its user's turn ── recvmsg ──► OnMessage ──► poll
 *
 * Messages that the user sends meanwhile wait in the socket. The kernel charges that
 * memory to the sender.
 */
class Receiver {
  public:
    class Listener {
      public:
        /**
         * @param message        at least 1 byte, valid during the call, aligned to 8
         * @param fds            those that came; move out what is kept
         * @param fds_were_lost  some that were sent are missing, because this process
         *                       had no descriptor left
         */
        virtual void OnMessage(std::span<const std::byte> message,
                               std::span<base::UniqueFd> fds, bool fds_were_lost) = 0;

        /** A message that does not fit the buffer. More messages may follow. */
        virtual void OnBadMessage(const char* reason) = 0;

        /**
         * No more messages follow. An empty message counts as the end, because a receiver
         * cannot tell the two apart.
         * @param error  0: end of file; else a positive errno (ECONNRESET: the peer went
         *               away without reading all that was sent to it)
         */
        virtual void OnClosed(int error) = 0;

        /** The last messages cost this thread more than an honest user's can
         * (UserTask::kTooDearNs). */
        virtual void OnDear(int64_t cost_ns) = 0;

      protected:
        ~Listener() = default;
    };

    /** Closes a descriptor that the listener did not take, which may take long. */
    using Discard = std::function<void(base::UniqueFd)>;

    struct Source {
        uid_t user;  // of the sender
        int fd;      // borrowed
        /** Owns `fd`: kept until the kernel has let go of it. */
        std::shared_ptr<const void> owner;
        /** Asked at the user's turn. When it returns false, the message waits in the
         * socket, and it is asked again after kRetryNs. Empty: always true. */
        std::function<bool()> may_receive = nullptr;
    };
    static constexpr int64_t kRetryNs = 20'000'000;

    /**
     * @param buffer    shared by all receivers of this loop
     * @param listener  outlives this; each of its methods may destroy this
     *
     * Thread: loop.  Errors: std::system_error, std::bad_alloc.
     */
    Receiver(Loop& loop, std::shared_ptr<MessageBuffer> buffer, Source source,
             Listener& listener, Discard discard);
    ~Receiver();

    /** The peer is no newcomer any more (CalmTask). */
    void SettleIn() noexcept;

    /** Receive nothing until Resume. Inside OnMessage. */
    void Pause() noexcept;
    /** @pre Pause */
    void Resume();

  private:
    OperationHandle<ReceiveOperation> operation_;
};

}  // namespace shmd::loop
