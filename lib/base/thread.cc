#include "base/thread.h"

#include "base/error.h"

#include <pthread.h>
#include <sys/resource.h>
#include <unistd.h>
#include <csignal>
#include <memory>
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

constexpr size_t kDetachedStackBytes = 256 * 1024;
constexpr int kDetachedNice = 10;

struct DetachedBody {
    const char* name;
    std::function<void()> run;
};

void* RunDetached(void* argument) {
    const std::unique_ptr<DetachedBody> body{static_cast<DetachedBody*>(argument)};
    ::pthread_setname_np(::pthread_self(), body->name);
    // Linux has it for each thread; where it is refused, the thread merely runs sooner.
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kDetachedNice);
    body->run();
    return nullptr;
}

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

int StartDetached(const char* name, std::function<void()> body) {
    auto argument = std::make_unique<DetachedBody>(DetachedBody{name, std::move(body)});
    const SignalsBlocked blocked;
    pthread_attr_t attributes;
    ::pthread_attr_init(&attributes);
    ::pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    ::pthread_attr_setstacksize(&attributes, kDetachedStackBytes);
    pthread_t thread{};
    const int error = ::pthread_create(&thread, &attributes, RunDetached, argument.get());
    ::pthread_attr_destroy(&attributes);
    if (error == 0) static_cast<void>(argument.release());
    return error;
}

}  // namespace shmd::base
