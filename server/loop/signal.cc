#include "loop/signal.h"

#include "loop/read.h"

#include <sys/signalfd.h>
#include <csignal>

namespace shmd::loop {

namespace {

base::UniqueFd BlockAndOpen(std::initializer_list<int> signals) {
    sigset_t set;
    sigemptyset(&set);
    for (const int signo : signals) {
        if (sigaddset(&set, signo) != 0) base::ThrowErrno("sigaddset");
    }
    if (const int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0)
        base::ThrowError(error, "pthread_sigmask");
    // Nonblocking: else the ring hands reads of a signalfd to a worker thread, which
    // blocks there and does not see signals that are sent to this thread.
    const int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return base::UniqueFd{base::RequireNonNegative(fd, "signalfd")};
}

}  // namespace

SignalWatch::SignalWatch(Loop& loop, std::initializer_list<int> signals,
                         std::function<void(int signo)> on_signal)
    : operation_{std::make_shared<ReadOperation<signalfd_siginfo>>(
          loop, BlockAndOpen(signals),
          [on_signal = std::move(on_signal)](const signalfd_siginfo& info) {
              on_signal(static_cast<int>(info.ssi_signo));
          })} {
    operation_->Start();
}

SignalWatch::~SignalWatch() = default;

}  // namespace shmd::loop
