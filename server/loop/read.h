#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "loop/operation.h"

#include <liburing.h>
#include <poll.h>
#include <cerrno>
#include <functional>
#include <utility>

namespace shmd::loop {

/**
 * Reads one T after the other from a descriptor that yields whole ones (eventfd,
 * signalfd) and hands each to the callback. For the watches alone.  Thread: loop.
 */
template <typename T>
class ReadOperation final : public Operation {
  public:
    using OnRead = std::function<void(const T&)>;

    /** @param fd  borrowed */
    ReadOperation(Loop& loop, int fd, OnRead on_read)
        : Operation{loop}, fd_{fd}, on_read_{std::move(on_read)} {}

    /** Owns `fd` for as long as the kernel may read it. */
    ReadOperation(Loop& loop, base::UniqueFd fd, OnRead on_read)
        : Operation{loop},
          fd_{fd.Get()},
          owned_fd_{std::move(fd)},
          on_read_{std::move(on_read)} {}

    void Start() { Submit(); }

  private:
    void Prepare(io_uring_sqe& request) override {
        if (polling_)
            io_uring_prep_poll_add(&request, fd_, POLLIN);
        else
            io_uring_prep_read(&request, fd_, &value_, sizeof(value_), 0);
    }

    void OnCompletion(int result, uint32_t /*flags*/) override {
        const bool polled = std::exchange(polling_, false);
        if (!polled && result == static_cast<int>(sizeof(T)))
            on_read_(value_);
        else if (result == -EAGAIN)
            polling_ =
                true;  // a nonblocking descriptor: reading again at once would spin
        else if (!polled && result != -EINTR && result != -ECANCELED)
            base::ThrowError(result < 0 ? -result : EIO, "IORING_OP_READ");
        if (!Abandoned()) Submit();
    }

    void Detach() noexcept override { on_read_ = nullptr; }

    int fd_;
    base::UniqueFd owned_fd_;
    T value_{};
    bool polling_ = false;
    OnRead on_read_;
};

}  // namespace shmd::loop
