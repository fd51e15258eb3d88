#include "loop/receive.h"

#include "loop/buffer_ring.h"
#include "loop/received_message.h"

#include <liburing.h>
#include <sys/socket.h>
#include <cerrno>

namespace shmd::loop {

class ReceiveOperation final : public Operation {
  public:
    ReceiveOperation(Loop& loop, BufferPool& pool, int fd, Receiver::Listener& listener)
        : Operation{loop}, ring_{pool.Ring()}, fd_{fd}, listener_{listener} {
        header_.msg_controllen = ring_->ControlBytes();
    }

    void Start() { Submit(); }

  private:
    /** The buffer that a completion has brought, if any; gives it back in the end. */
    class Lease {
      public:
        Lease(BufferRing& ring, uint32_t flags) noexcept
            : ring_{ring},
              held_{(flags & IORING_CQE_F_BUFFER) != 0},
              id_{static_cast<uint16_t>(flags >> IORING_CQE_BUFFER_SHIFT)} {}
        Lease(const Lease&) = delete;
        Lease& operator=(const Lease&) = delete;
        ~Lease() {
            if (held_) ring_.GiveBack(id_);
        }

        /** The part of the buffer that was filled; empty on an error or without one. */
        [[nodiscard]] std::span<std::byte> Filled(int result) const noexcept {
            if (!held_ || result <= 0) return {};
            return ring_.Buffer(id_).first(static_cast<size_t>(result));
        }

      private:
        BufferRing& ring_;
        bool held_;
        uint16_t id_;
    };

    void Prepare(io_uring_sqe& request) override {
        io_uring_prep_recvmsg_multishot(&request, fd_, &header_, MSG_CMSG_CLOEXEC);
        request.flags |= IOSQE_BUFFER_SELECT;
        request.buf_group = ring_->Group();
        if (poll_first_) request.ioprio |= IORING_RECVSEND_POLL_FIRST;
    }

    void OnCompletion(int result, uint32_t flags) override {
        const Lease lease{*ring_, flags};
        if (closed_) return Drop(lease.Filled(result));
        if (result < 0)
            OnFailure(-result);
        else
            Deliver(lease.Filled(result));
        if (Abandoned() || closed_ || (flags & IORING_CQE_F_MORE) != 0) return;
        // A nonblocking socket's EAGAIN: receiving again at once would spin.
        poll_first_ = result == -EAGAIN;
        Submit();
    }

    void OnLateCompletion(int result, uint32_t flags) noexcept override {
        const Lease lease{*ring_, flags};
        Drop(lease.Filled(result));
    }

    void Drop(std::span<std::byte> filled) noexcept {
        const ReceivedMessage closes_its_fds{filled, ring_->ControlBytes()};
    }

    void OnFailure(int error) {
        // ENOBUFS: other messages hold all buffers, and give them back in this turn.
        if (error == ENOBUFS || error == EINTR || error == EAGAIN || error == ECANCELED)
            return;
        Close(error);
    }

    void Deliver(std::span<std::byte> filled) {
        ReceivedMessage message{filled, ring_->ControlBytes()};
        if (message.payload_truncated)
            listener_.OnBadMessage("the message is too long");
        else if (message.control_truncated || message.fds.size() > ring_->MaxFds())
            listener_.OnBadMessage("the message has too many file descriptors");
        else if (message.payload.empty())
            Close(0);
        else
            listener_.OnMessage(message.payload, message.fds);
    }

    void Close(int error) {
        closed_ = true;
        listener_.OnClosed(error);
    }

    std::shared_ptr<BufferRing> ring_;
    msghdr header_{};  // read by the kernel whenever a message comes
    int fd_;
    bool closed_ = false;
    bool poll_first_ = false;
    Receiver::Listener& listener_;
};

Receiver::Receiver(Loop& loop, BufferPool& pool, int fd, Listener& listener)
    : operation_{std::make_shared<ReceiveOperation>(loop, pool, fd, listener)} {
    operation_->Start();
}

Receiver::~Receiver() = default;

}  // namespace shmd::loop
