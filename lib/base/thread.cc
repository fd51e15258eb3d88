#include "base/thread.h"

#include "base/error.h"

#include <pthread.h>
#include <sched.h>
#include <csignal>

namespace shmd::base {

namespace {

/** Blocks every signal for its lifetime: a thread inherits the mask it was created under.
 */
class SignalsBlocked {
  public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

  private:
    sigset_t before_;
};

}  // namespace

Thread::Thread(const char* name, int realtime_priority, std::function<void()> body) {
    const SignalsBlocked blocked;
    thread_ = std::thread{std::move(body)};
    ::pthread_setname_np(thread_.native_handle(), name);
    if (realtime_priority > 0) {
        sched_param param{};
        param.sched_priority = realtime_priority;
        realtime_error_ = ::pthread_setschedparam(
            thread_.native_handle(), SCHED_FIFO | SCHED_RESET_ON_FORK, &param);
    }
}

Thread::~Thread() {
    thread_.join();
}

}  // namespace shmd::base
