#include "loop/send.h"

#include "loop/user_task.h"

#include <liburing.h>
#include <poll.h>
#include <sys/socket.h>
#include <cerrno>
#include <cstring>
#include <list>
#include <utility>

namespace shmd::loop {

namespace {

/** A control message that passes `fds`, of exactly their length; empty for none. */
std::vector<std::byte> RightsFor(const std::vector<base::UniqueFd>& fds) {
    if (fds.empty()) return {};
    const size_t fd_bytes = fds.size() * sizeof(int);
    std::vector<std::byte> control(CMSG_SPACE(fd_bytes));
    auto* header = reinterpret_cast<cmsghdr*>(control.data());
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(fd_bytes);
    std::byte* data = control.data() + CMSG_LEN(0);
    for (size_t i = 0; i < fds.size(); ++i) {
        const int fd = fds[i].Get();
        std::memcpy(data + i * sizeof(int), &fd, sizeof(int));
    }
    return control;
}

}  // namespace

class SendOperation final : public Operation {
  public:
    struct Message {
        std::vector<std::byte> payload;
        std::vector<base::UniqueFd> fds;
    };

    SendOperation(Loop& loop, Sender::Peer peer, size_t max_queued_bytes,
                  Sender::Callbacks callbacks)
        : Operation{loop},
          peer_{std::move(peer)},
          max_queued_bytes_{max_queued_bytes},
          on_error_{std::move(callbacks.on_error)},
          on_dear_{std::move(callbacks.on_dear)},
          task_{loop, peer_.user, [this] { SendFirst(); },
                [this](int64_t cost_ns) { OnDear(cost_ns); }} {}

    bool Send(Message message) {
        const size_t cost_bytes = CostOf(message);
        if (failed_ || cost_bytes > max_queued_bytes_ - queued_bytes_) return false;
        queue_.push_back(std::move(message));
        queued_bytes_ += cost_bytes;
        // The others wait behind it, for its completion.
        if (queue_.size() == 1) Submit();
        return true;
    }

    [[nodiscard]] size_t QueuedBytes() const noexcept { return queued_bytes_; }

    void WhenEmpty(std::function<void()> on_empty) {
        if (queue_.empty() && !failed_) return on_empty();
        on_empty_ = std::move(on_empty);
    }

    void SettleIn() noexcept { task_.SettleIn(); }

  private:
    enum class Stage { kSending, kPolling };

    [[nodiscard]] static size_t CostOf(const Message& message) noexcept {
        return message.payload.size() + Sender::kMessageCostBytes;
    }

    /** The user's turn. */
    void SendFirst() {
        if (!InFlight() && !queue_.empty()) Submit();
    }

    void Prepare(io_uring_sqe& request) override {
        if (stage_ == Stage::kPolling)
            return io_uring_prep_poll_add(&request, peer_.fd, POLLOUT);
        Message& message = queue_.front();
        control_ = RightsFor(message.fds);
        payload_ = {message.payload.data(), message.payload.size()};
        header_ = {};
        header_.msg_iov = &payload_;
        header_.msg_iovlen = 1;
        header_.msg_control = control_.empty() ? nullptr : control_.data();
        header_.msg_controllen = control_.size();
        io_uring_prep_sendmsg(&request, peer_.fd, &header_, MSG_NOSIGNAL | MSG_DONTWAIT);
    }

    void OnCompletion(int result, uint32_t /*flags*/) override {
        const Stage done = std::exchange(stage_, Stage::kSending);
        if (result == -EAGAIN) stage_ = Stage::kPolling;
        if (result == -EAGAIN) return Submit();
        if (result == -EINTR || result == -ECANCELED) return task_.Request();
        if (result < 0) return Fail(-result);
        if (done == Stage::kPolling) return task_.Request();
        queued_bytes_ -= CostOf(queue_.front());
        queue_.pop_front();
        if (!queue_.empty()) return task_.Request();
        control_ = {};
        if (on_empty_) std::exchange(on_empty_, nullptr)();
    }

    void OnDear(int64_t cost_ns) {
        if (!Abandoned() && !failed_) on_dear_(cost_ns);
    }

    void Fail(int error) {
        failed_ = true;
        queue_.clear();
        queued_bytes_ = 0;
        on_empty_ = nullptr;
        // Moved out: it may destroy the owner, and is called once.
        std::exchange(on_error_, nullptr)(error);
    }

    void Detach() noexcept override {
        task_.Cancel();
        on_error_ = nullptr;
        on_dear_ = nullptr;
        on_empty_ = nullptr;
        // The kernel may still read the first.
        while (queue_.size() > (InFlight() ? 1U : 0U))
            queue_.pop_back();
    }

    Sender::Peer peer_;
    bool failed_ = false;
    Stage stage_ = Stage::kSending;
    size_t max_queued_bytes_;
    size_t queued_bytes_ = 0;
    std::list<Message> queue_;  // the first is in flight
    msghdr header_{};
    iovec payload_{};
    std::vector<std::byte> control_;
    std::function<void(int error)> on_error_;
    std::function<void(int64_t cost_ns)> on_dear_;
    std::function<void()> on_empty_;
    UserTask task_;
};

Sender::Sender(Loop& loop, Peer peer, size_t max_queued_bytes, Callbacks callbacks)
    : operation_{std::make_shared<SendOperation>(loop, std::move(peer), max_queued_bytes,
                                                 std::move(callbacks))} {}

Sender::~Sender() = default;

bool Sender::Send(std::vector<std::byte> message, std::vector<base::UniqueFd> fds) {
    return operation_->Send({std::move(message), std::move(fds)});
}

size_t Sender::QueuedBytes() const noexcept {
    return operation_->QueuedBytes();
}

void Sender::WhenEmpty(std::function<void()> on_empty) {
    operation_->WhenEmpty(std::move(on_empty));
}

void Sender::SettleIn() noexcept {
    operation_->SettleIn();
}

}  // namespace shmd::loop
