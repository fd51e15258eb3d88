#pragma once

#include "loop/operation.h"

#include <functional>
#include <initializer_list>

struct signalfd_siginfo;

namespace shmd::loop {

template <typename T>
class ReadOperation;

/**
 * Delivers signals to the loop instead of to handlers.
 *
 * The constructor blocks them in the calling thread. Threads that were started before
 * must block them too, or the kernel picks one of those. They stay blocked after this is
 * destroyed: a second SIGTERM must not kill a server that is about to end in good order.
 * A signal that is ignored (SIG_IGN, inherited from nohup for instance) stays so.
 */
class SignalWatch {
  public:
    /**
     * @param signals    numbers, not SIGKILL or SIGSTOP
     * @param on_signal  called with each; the kernel merges equal ones that are pending
     *
     * Thread: loop.  Errors: std::system_error.  The callback may destroy this.
     */
    SignalWatch(Loop& loop, std::initializer_list<int> signals,
                std::function<void(int signo)> on_signal);
    ~SignalWatch();

  private:
    OperationHandle<ReadOperation<signalfd_siginfo>> operation_;
};

}  // namespace shmd::loop
