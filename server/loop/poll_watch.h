#pragma once

#include "loop/operation.h"

#include <functional>

namespace shmd::loop {

class PollOperation;

/** Calls back whenever a descriptor is readable; the callback reads it empty. */
class PollWatch {
  public:
    /**
     * @param fd  borrowed: closed by the caller after this is destroyed
     * Thread: loop.  Errors: std::system_error; RunOnce throws it too when the kernel
     * cannot poll the descriptor.  The callback may destroy this.
     */
    PollWatch(Loop& loop, int fd, std::function<void()> on_readable);
    ~PollWatch();

  private:
    OperationHandle<PollOperation> operation_;
};

}  // namespace shmd::loop
