#include "base/thread.h"

#include "base/error.h"

#include <pthread.h>
#include <unistd.h>
#include <csignal>
#include <utility>

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

Thread::Thread(const char* name, std::function<void()> body) {
    const SignalsBlocked blocked;
    thread_ = std::thread{[this, run = std::move(body)] {
        id_.store(::gettid(), std::memory_order_release);
        id_.notify_one();
        run();
    }};
    ::pthread_setname_np(thread_.native_handle(), name);
    id_.wait(0);
}

Thread::~Thread() {
    thread_.join();
}

}  // namespace shmd::base
