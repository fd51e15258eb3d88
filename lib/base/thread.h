#pragma once

#include <sys/types.h>
#include <atomic>
#include <functional>
#include <thread>

namespace shmd::base {

/** A named thread that takes no signals; its destructor joins. */
class Thread {
  public:
    Thread(const char* name, std::function<void()> body);
    Thread(const Thread&) = delete;
    Thread& operator=(const Thread&) = delete;
    ~Thread();

    /** The kernel's number of it. Thread: any. */
    [[nodiscard]] pid_t Id() const noexcept {
        return id_.load(std::memory_order_acquire);
    }

  private:
    std::atomic<pid_t> id_{0};
    std::thread thread_;
};

/**
 * Start a thread that is not joined: what it works with is its own, or shared. It takes
 * no signals, has a small stack, and yields to the others of this process (nice 10).
 *
 * @param name  at most 15 characters
 * Thread: any.  @return 0, or an errno: `body` is then not run. Errors: std::bad_alloc.
 */
int StartDetached(const char* name, std::function<void()> body);

}  // namespace shmd::base
