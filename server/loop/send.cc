#include "loop/send.h"

#include <liburing.h>
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

    SendOperation(Loop& loop, int fd, size_t max_queued_bytes,
                  std::function<void(int error)> on_error)
        : Operation{loop},
          fd_{fd},
          max_queued_bytes_{max_queued_bytes},
          on_error_{std::move(on_error)} {}

    bool Send(Message message) {
        if (failed_ || message.payload.size() > max_queued_bytes_ - queued_bytes_)
            return false;
        queued_bytes_ += message.payload.size();
        queue_.push_back(std::move(message));
        if (!InFlight()) Submit();
        return true;
    }

    [[nodiscard]] size_t QueuedBytes() const noexcept { return queued_bytes_; }

    void WhenEmpty(std::function<void()> on_empty) {
        if (queue_.empty() && !failed_) return on_empty();
        on_empty_ = std::move(on_empty);
    }

  private:
    void Prepare(io_uring_sqe& request) override {
        Message& message = queue_.front();
        control_ = RightsFor(message.fds);
        payload_ = {message.payload.data(), message.payload.size()};
        header_ = {};
        header_.msg_iov = &payload_;
        header_.msg_iovlen = 1;
        header_.msg_control = control_.empty() ? nullptr : control_.data();
        header_.msg_controllen = control_.size();
        io_uring_prep_sendmsg(&request, fd_, &header_, MSG_NOSIGNAL);
        if (poll_first_) request.ioprio |= IORING_RECVSEND_POLL_FIRST;
    }

    void OnCompletion(int result, uint32_t /*flags*/) override {
        // A nonblocking socket's EAGAIN: sending again at once would spin.
        poll_first_ = result == -EAGAIN;
        if (result == -EAGAIN || result == -EINTR || result == -ECANCELED)
            return Submit();
        if (result < 0) return Fail(-result);
        queued_bytes_ -= queue_.front().payload.size();
        queue_.pop_front();
        if (!queue_.empty()) return Submit();
        control_ = {};
        if (on_empty_) std::exchange(on_empty_, nullptr)();
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
        on_error_ = nullptr;
        on_empty_ = nullptr;
        // The kernel may still read the first.
        while (queue_.size() > (InFlight() ? 1U : 0U))
            queue_.pop_back();
    }

    int fd_;
    bool failed_ = false;
    bool poll_first_ = false;
    size_t max_queued_bytes_;
    size_t queued_bytes_ = 0;
    std::list<Message> queue_;  // the first is in flight
    msghdr header_{};
    iovec payload_{};
    std::vector<std::byte> control_;
    std::function<void(int error)> on_error_;
    std::function<void()> on_empty_;
};

Sender::Sender(Loop& loop, int fd, size_t max_queued_bytes,
               std::function<void(int error)> on_error)
    : operation_{std::make_shared<SendOperation>(loop, fd, max_queued_bytes,
                                                 std::move(on_error))} {}

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

}  // namespace shmd::loop
