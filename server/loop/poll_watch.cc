#include "loop/poll_watch.h"

#include "base/error.h"

#include <liburing.h>
#include <poll.h>
#include <cerrno>
#include <utility>

namespace shmd::loop {

class PollOperation final : public Operation {
  public:
    PollOperation(Loop& loop, int fd, std::function<void()> on_readable)
        : Operation{loop}, fd_{fd}, on_readable_{std::move(on_readable)} {}

    void Start() { Submit(); }

  private:
    void Prepare(io_uring_sqe& request) override {
        io_uring_prep_poll_add(&request, fd_, POLLIN);
    }

    void OnCompletion(int result, uint32_t /*flags*/) override {
        if (result > 0)
            on_readable_();
        else if (result != -EINTR && result != -ECANCELED)
            base::ThrowError(result < 0 ? -result : EIO, "IORING_OP_POLL_ADD");
        if (!Abandoned()) Submit();
    }

    void Detach() noexcept override { on_readable_ = nullptr; }

    int fd_;
    std::function<void()> on_readable_;
};

PollWatch::PollWatch(Loop& loop, int fd, std::function<void()> on_readable)
    : operation_{std::make_shared<PollOperation>(loop, fd, std::move(on_readable))} {
    operation_->Start();
}

PollWatch::~PollWatch() = default;

}  // namespace shmd::loop
