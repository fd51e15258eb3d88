#include "loop/accept.h"

#include "base/clock.h"
#include "loop/calm_task.h"
#include "loop/timer.h"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <cerrno>
#include <utility>

namespace shmd::loop {

namespace {

/** One connection, or one wait, went wrong; the listening socket is fine (accept(2)). */
bool IsPassing(int error) {
    return error == EINTR || error == EAGAIN || error == ECANCELED ||
           error == ECONNABORTED;
}

}  // namespace

class AcceptOperation final : public Operation {
  public:
    AcceptOperation(Loop& loop, int listen_fd,
                    std::function<void(base::UniqueFd)> on_accept,
                    std::function<void(int error)> on_error,
                    std::function<bool()> has_room)
        : Operation{loop},
          listen_fd_{listen_fd},
          on_accept_{std::move(on_accept)},
          on_error_{std::move(on_error)},
          has_room_{std::move(has_room)},
          retry_{loop, [this] { Next(); }},
          next_{loop, [this] { Next(); }} {}

    void Start() { Submit(); }

  private:
    void Prepare(io_uring_sqe& request) override {
        if (polling_)
            io_uring_prep_poll_add(&request, listen_fd_, POLLIN);
        else
            io_uring_prep_accept(&request, listen_fd_, nullptr, nullptr, SOCK_CLOEXEC);
    }

    void OnCompletion(int result, uint32_t /*flags*/) override {
        const bool polled = std::exchange(polling_, false);
        if (result >= 0 && !polled)
            on_accept_(base::UniqueFd{result});
        else if (result < 0 && !IsPassing(-result))
            return Fail(-result);
        if (Abandoned()) return;
        // EAGAIN is a nonblocking socket's: accepting again at once would spin.
        polling_ = result == -EAGAIN;
        polling_ ? Submit() : next_.Request();
    }

    void OnLateCompletion(int result, uint32_t /*flags*/) noexcept override {
        if (result >= 0 && !polling_) base::UniqueFd{result}.Reset();
    }

    void Next() {
        if (!has_room_ || has_room_())
            Submit();
        else
            TryLater();
    }

    void TryLater() { retry_.ArmAtNs(base::SystemClock{}.NowNs() + Acceptor::kRetryNs); }

    void Fail(int error) {
        // Armed first: the callback may destroy the owner.
        if (Acceptor::Recovers(error)) TryLater();
        on_error_(error);
    }

    void Detach() noexcept override {
        next_.Cancel();
        on_accept_ = nullptr;
        on_error_ = nullptr;
        has_room_ = nullptr;
    }

    int listen_fd_;
    std::function<void(base::UniqueFd)> on_accept_;
    std::function<void(int error)> on_error_;
    std::function<bool()> has_room_;
    Timer retry_;
    CalmTask next_;
    bool polling_ = false;
};

Acceptor::Acceptor(Loop& loop, int listen_fd,
                   std::function<void(base::UniqueFd)> on_accept,
                   std::function<void(int error)> on_error,
                   std::function<bool()> has_room)
    : operation_{std::make_shared<AcceptOperation>(loop, listen_fd, std::move(on_accept),
                                                   std::move(on_error),
                                                   std::move(has_room))} {
    operation_->Start();
}

Acceptor::~Acceptor() = default;

bool Acceptor::Recovers(int error) noexcept {
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace shmd::loop
