#include "loop/operation.h"

#include "loop/loop.h"

#include <liburing.h>
#include <cassert>
#include <cerrno>

namespace shmd::loop {

/** While it lives the owner is being called: its callbacks may not be destroyed. */
class Operation::CallbackScope {
  public:
    explicit CallbackScope(Operation& operation) noexcept : operation_{operation} {
        operation_.in_callback_ = true;
    }
    CallbackScope(const CallbackScope&) = delete;
    CallbackScope& operator=(const CallbackScope&) = delete;
    ~CallbackScope() {
        operation_.in_callback_ = false;
        if (operation_.abandoned_) operation_.Detach();
    }

  private:
    Operation& operation_;
};

void Operation::Abandon() {
    if (abandoned_) return;
    abandoned_ = true;
    RequestCancel();
    if (!in_callback_) Detach();
}

void Operation::Complete(int result, uint32_t flags) {
    // Alive until the end of this function, also when nobody else holds it any more.
    const std::shared_ptr<Operation> keep = self_;
    if ((flags & IORING_CQE_F_MORE) == 0) {
        self_.reset();
        --loop_.in_flight_;
    }
    if (std::exchange(unmade_, false)) result = -ECANCELED;
    if (abandoned_) return OnLateCompletion(result, flags);
    const CallbackScope scope{*this};
    OnCompletion(result, flags);
}

void Operation::Submit() {
    assert(!InFlight() && !abandoned_);
    io_uring_sqe& request = loop_.ring_.NextRequest();
    Prepare(request);
    request.user_data = UserData();
    cancelling_ = false;
    self_ = shared_from_this();
    ++loop_.in_flight_;
}

void Operation::SubmitNow() {
    Submit();
    loop_.CompleteNow(*this);
}

void Operation::RequestCancel() {
    if (!InFlight() || cancelling_) return;
    cancelling_ = true;
    if (io_uring_sqe* unseen = loop_.ring_.FindQueued(UserData()); unseen != nullptr) {
        io_uring_prep_nop(unseen);
        unseen->user_data = UserData();
        unmade_ = true;
        return;
    }
    io_uring_sqe& request = loop_.ring_.NextRequest();
    io_uring_prep_cancel64(&request, UserData(), 0);
    request.flags |= IOSQE_CQE_SKIP_SUCCESS;
    request.user_data = kNobody;
}

uint64_t Operation::UserData() const noexcept {
    return reinterpret_cast<uintptr_t>(this);
}

}  // namespace shmd::loop
