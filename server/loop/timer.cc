#include "loop/timer.h"

#include "base/clock.h"
#include "base/error.h"

#include <liburing.h>
#include <algorithm>
#include <cerrno>
#include <utility>

namespace shmd::loop {

/** One absolute timeout. What is wanted may differ from what the kernel waits for. */
class TimerOperation final : public Operation {
  public:
    TimerOperation(Loop& loop, std::function<void()> on_expiry)
        : Operation{loop}, on_expiry_{std::move(on_expiry)} {}

    void SetDeadline(int64_t deadline_ns) {
        wanted_ns_ = deadline_ns;
        if (InFlight() && wanted_ns_ != submitted_ns_)
            RequestCancel();  // its completion submits what is wanted by then
        else if (!InFlight() && Armed())
            Submit();
    }

    [[nodiscard]] bool Armed() const noexcept { return wanted_ns_ != base::kNever; }

  private:
    void Prepare(io_uring_sqe& request) override {
        submitted_ns_ = wanted_ns_;
        const int64_t deadline_ns = std::max<int64_t>(wanted_ns_, 0);
        deadline_ = {deadline_ns / base::kNsPerSecond, deadline_ns % base::kNsPerSecond};
        io_uring_prep_timeout(&request, &deadline_, 0, IORING_TIMEOUT_ABS);
    }

    void OnCompletion(int result, uint32_t /*flags*/) override {
        // Whatever ended it, the clock decides.
        if (result != -ETIME && result != -ECANCELED && result != -EINTR)
            base::ThrowError(-result, "IORING_OP_TIMEOUT");
        if (!Armed()) return;
        if (base::SystemClock{}.NowNs() < wanted_ns_) return Submit();
        wanted_ns_ = base::kNever;
        on_expiry_();
    }

    void Detach() noexcept override { on_expiry_ = nullptr; }

    std::function<void()> on_expiry_;
    int64_t wanted_ns_ = base::kNever;
    int64_t submitted_ns_ = base::kNever;
    __kernel_timespec deadline_{};  // read by the kernel when the request is submitted
};

Timer::Timer(Loop& loop, std::function<void()> on_expiry)
    : operation_{std::make_shared<TimerOperation>(loop, std::move(on_expiry))} {}

Timer::~Timer() = default;

void Timer::ArmAtNs(int64_t deadline_ns) {
    operation_->SetDeadline(deadline_ns);
}

void Timer::Cancel() {
    operation_->SetDeadline(base::kNever);
}

bool Timer::Armed() const noexcept {
    return operation_->Armed();
}

}  // namespace shmd::loop
