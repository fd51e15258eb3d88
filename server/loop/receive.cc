#include "loop/receive.h"

#include "base/clock.h"
#include "loop/timer.h"
#include "loop/user_task.h"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <cerrno>
#include <utility>

namespace shmd::loop {

class ReceiveOperation final : public Operation {
  public:
    ReceiveOperation(Loop& loop, std::shared_ptr<MessageBuffer> buffer,
                     Receiver::Source source, Receiver::Listener& listener,
                     Receiver::Discard discard)
        : Operation{loop},
          buffer_{std::move(buffer)},
          source_{std::move(source)},
          listener_{listener},
          discard_{std::move(discard)},
          task_{loop, source_.user, [this] { Receive(); },
                [this](int64_t cost_ns) { OnDear(cost_ns); }},
          later_{loop, [this] { task_.Request(); }} {}

    void Poll() {
        stage_ = Stage::kPolling;
        Submit();
    }

    void SettleIn() noexcept { task_.SettleIn(); }

    void Pause() noexcept { is_paused_ = true; }

    void Resume() {
        is_paused_ = false;
        if (!closed_) Poll();
    }

  private:
    enum class Stage { kPolling, kReceiving };

    void Prepare(io_uring_sqe& request) override {
        if (stage_ == Stage::kPolling)
            return io_uring_prep_poll_add(&request, source_.fd, POLLIN);
        // MSG_DONTWAIT: it is over when it has been submitted.
        io_uring_prep_recvmsg(&request, source_.fd, buffer_->Lend(),
                              MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    }

    /** The user's turn. */
    void Receive() {
        const auto keep = shared_from_this();
        if (source_.may_receive && !source_.may_receive())
            return later_.ArmAtNs(base::SystemClock{}.NowNs() + Receiver::kRetryNs);
        // Another receiver's message has not been dispatched: the next turn does it.
        if (buffer_->IsInUse()) return task_.Request();
        stage_ = Stage::kReceiving;
        SubmitNow();
    }

    void OnCompletion(int result, uint32_t /*flags*/) override {
        if (stage_ == Stage::kPolling) return OnPolled(result);
        Deliver(result);
        if (!Abandoned() && !closed_ && !is_paused_) Poll();
    }

    void OnPolled(int result) {
        if (result > 0) return task_.Request();
        if (result == -EINTR || result == -ECANCELED) return Poll();
        Close(-result);
    }

    void OnLateCompletion(int result, uint32_t /*flags*/) noexcept override {
        if (stage_ != Stage::kReceiving) return;
        if (result < 0) return buffer_->TakeNothing();
        DiscardRest(buffer_->Take(static_cast<size_t>(result)).fds);
    }

    void Deliver(int result) {
        if (result < 0) {
            buffer_->TakeNothing();
            if (result == -EAGAIN || result == -EINTR || result == -ECANCELED) return;
            return Close(-result);
        }
        const MessageBuffer::Message message = buffer_->Take(static_cast<size_t>(result));
        const RestGuard rest{*this, message.fds};
        if (message.payload_was_cut)
            listener_.OnBadMessage("the message is too long");
        else if (message.payload.empty())
            Close(0);
        else
            listener_.OnMessage(message.payload, message.fds, message.fds_were_lost);
    }

    /** Whatever the listener does, what it left is closed, and not here. */
    class RestGuard {
      public:
        RestGuard(ReceiveOperation& operation, std::span<base::UniqueFd> fds) noexcept
            : operation_{operation}, fds_{fds} {}
        RestGuard(const RestGuard&) = delete;
        RestGuard& operator=(const RestGuard&) = delete;
        ~RestGuard() { operation_.DiscardRest(fds_); }

      private:
        ReceiveOperation& operation_;
        std::span<base::UniqueFd> fds_;
    };

    void DiscardRest(std::span<base::UniqueFd> fds) noexcept {
        for (base::UniqueFd& fd : fds)
            if (fd) discard_(std::move(fd));
    }

    void Close(int error) {
        closed_ = true;
        listener_.OnClosed(error);
    }

    void OnDear(int64_t cost_ns) {
        if (!Abandoned() && !closed_) listener_.OnDear(cost_ns);
    }

    void Detach() noexcept override {
        task_.Cancel();
        source_.may_receive = nullptr;
    }

    std::shared_ptr<MessageBuffer> buffer_;
    Receiver::Source source_;
    Receiver::Listener& listener_;
    Receiver::Discard discard_;
    Stage stage_ = Stage::kPolling;
    bool closed_ = false;
    bool is_paused_ = false;
    UserTask task_;
    Timer later_;
};

Receiver::Receiver(Loop& loop, std::shared_ptr<MessageBuffer> buffer, Source source,
                   Listener& listener, Discard discard)
    : operation_{std::make_shared<ReceiveOperation>(
          loop, std::move(buffer), std::move(source), listener, std::move(discard))} {
    operation_->Poll();
}

Receiver::~Receiver() = default;

void Receiver::SettleIn() noexcept {
    operation_->SettleIn();
}

void Receiver::Pause() noexcept {
    operation_->Pause();
}

void Receiver::Resume() {
    operation_->Resume();
}

}  // namespace shmd::loop
