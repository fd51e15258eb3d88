#pragma once

#include <functional>
#include <thread>

namespace shmd::base {

/**
 * A named thread that takes no signals; its destructor joins.
 *
 * @param realtime_priority  1 to 99 asks for SCHED_FIFO, 0 does not
 */
class Thread {
  public:
    Thread(const char* name, int realtime_priority, std::function<void()> body);
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;
    ~Thread();

    /** 0, or the errno with which SCHED_FIFO was refused. */
    [[nodiscard]] int RealtimeError() const noexcept { return realtime_error_; }

  private:
    int realtime_error_ = 0;
    std::thread thread_;
};

}  // namespace shmd::base
