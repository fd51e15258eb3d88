#pragma once

#include "loop/operation.h"

#include <cstdint>
#include <functional>

namespace shmd::loop {

class TimerOperation;

/** Calls back once when a time has come. */
class Timer {
  public:
    /** Thread: loop.  Errors: none.  The callback may re-arm or destroy this. */
    Timer(Loop& loop, std::function<void()> on_expiry);
    ~Timer();

    /**
     * Expire when CLOCK_MONOTONIC reaches `deadline_ns`, never before; a time that is
     * past expires in the next turn. Replaces the earlier deadline. base::kNever: as
     * Cancel. Errors: std::system_error.
     */
    void ArmAtNs(int64_t deadline_ns);

    /** Not to expire until it is armed again. */
    void Cancel();

    /** Whether it is armed and has not expired. */
    [[nodiscard]] bool Armed() const noexcept;

  private:
    OperationHandle<TimerOperation> operation_;
};

}  // namespace shmd::loop
