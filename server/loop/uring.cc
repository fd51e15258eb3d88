#include "loop/uring.h"

#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace shmd::loop {

namespace {

bool IsTransient(int error) {
    // EBUSY: more completions than fit, which the caller is about to take out.
    return error == EINTR || error == EAGAIN || error == EBUSY;
}

int TrySetUp(io_uring& ring, UringMode mode) {
    io_uring_params params{};
    params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
    if (mode == UringMode::kPreferred)
        params.flags |= IORING_SETUP_SUBMIT_ALL | IORING_SETUP_SINGLE_ISSUER |
                        IORING_SETUP_DEFER_TASKRUN;
    params.cq_entries = Uring::kCompletionEntries;
    return -io_uring_queue_init_params(Uring::kSubmissionEntries, &ring, &params);
}

}  // namespace

Uring::Uring(UringMode mode) : mode_{mode} {
    int error = TrySetUp(ring_, mode_);
    if (error == EINVAL && mode_ == UringMode::kPreferred) {
        mode_ = UringMode::kPlain;
        error = TrySetUp(ring_, mode_);
    }
    if (error != 0) base::ThrowError(error, "io_uring_setup");
    // Saves a descriptor look-up in each call; what cannot be registered works as well.
    io_uring_register_ring_fd(&ring_);
}

Uring::~Uring() {
    io_uring_queue_exit(&ring_);
}

io_uring_sqe& Uring::NextRequest() {
    io_uring_sqe* request = io_uring_get_sqe(&ring_);
    if (request == nullptr) {
        Flush();
        request = io_uring_get_sqe(&ring_);
    }
    if (request == nullptr) base::ThrowError(EAGAIN, "io_uring_submit");
    std::memset(request, 0, sizeof(*request));
    return *request;
}

io_uring_sqe* Uring::FindQueued(uint64_t user_data) noexcept {
    const io_uring_sq& queue = ring_.sq;
    const unsigned mask = queue.ring_mask;
    // The kernel moves the head past every request that it has taken.
    for (unsigned i = io_uring_smp_load_acquire(queue.khead); i != queue.sqe_tail; ++i)
        if (queue.sqes[i & mask].user_data == user_data) return &queue.sqes[i & mask];
    return nullptr;
}

bool Uring::HasQueued() const noexcept {
    return io_uring_sq_ready(&ring_) > 0;
}

void Uring::SubmitAndWait(unsigned completions) {
    ++enter_calls_;
    const int result = completions > 0 ? io_uring_submit_and_wait(&ring_, completions)
                                       : io_uring_submit_and_get_events(&ring_);
    if (result < 0 && !IsTransient(-result)) base::ThrowError(-result, "io_uring_enter");
}

void Uring::Flush() {
    ++enter_calls_;
    const int result = io_uring_submit(&ring_);
    if (result < 0 && !IsTransient(-result)) base::ThrowError(-result, "io_uring_submit");
}

bool Uring::TryPop(Completion& completion) noexcept {
    if (io_uring_cq_ready(&ring_) == 0) return false;
    const io_uring_cq& queue = ring_.cq;
    const io_uring_cqe& oldest = queue.cqes[*queue.khead & queue.ring_mask];
    completion = {oldest.user_data, oldest.res, oldest.flags};
    io_uring_cq_advance(&ring_, 1);
    return true;
}

}  // namespace shmd::loop
