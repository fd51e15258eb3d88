#pragma once

#include "base/unique_fd.h"
#include "loop/buffer_pool.h"
#include "loop/operation.h"

#include <cstddef>
#include <span>

namespace shmd::loop {

class ReceiveOperation;

/**
 * Receives the messages of a SOCK_SEQPACKET socket and the descriptors that come with
 * them (multishot, close-on-exec), in order.
 *
 * Every descriptor that the kernel installed is owned from the moment its message is
 * seen; those that the listener does not move out of the span are closed after the call.
 */
class Receiver {
  public:
    class Listener {
      public:
        /**
         * @param message  1 to max_message_bytes bytes, valid during the call, aligned to
         * 8
         * @param fds      0 to max_fds descriptors; move out what is kept
         */
        virtual void OnMessage(std::span<const std::byte> message,
                               std::span<base::UniqueFd> fds) = 0;

        /** A message that does not fit; its descriptors are closed. More may follow. */
        virtual void OnBadMessage(const char* reason) = 0;

        /**
         * Nothing follows. A message of no bytes counts as the end, as it cannot be told
         * from it.
         * @param error  0: end of file; else a positive errno (ECONNRESET: the peer went
         *               away without reading all that was sent to it)
         */
        virtual void OnClosed(int error) = 0;

      protected:
        ~Listener() = default;
    };

    /**
     * @param fd        borrowed: closed by the caller after this is destroyed
     * @param listener  outlives this; each of its methods may destroy this
     *
     * Thread: loop.  Errors: std::system_error.
     */
    Receiver(Loop& loop, BufferPool& pool, int fd, Listener& listener);
    ~Receiver();

  private:
    OperationHandle<ReceiveOperation> operation_;
};

}  // namespace shmd::loop
