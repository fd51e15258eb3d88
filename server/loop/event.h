#pragma once

#include "loop/operation.h"

#include <cstdint>
#include <functional>

namespace shmd::loop {

template <typename T>
class ReadOperation;

/**
 * Reads an eventfd repeatedly: other threads and processes wake the loop with it. A value
 * that is written while the watch is being destroyed may be lost.
 */
class EventWatch {
  public:
    /**
     * @param eventfd   borrowed: closed by the caller after this is destroyed
     * @param on_event  called with the sum of what was written since the last call (1 for
     *                  an EFD_SEMAPHORE)
     *
     * Thread: loop.  Errors: std::system_error; RunOnce throws it too when the descriptor
     * turns out not to be an eventfd.  The callback may destroy this.
     */
    EventWatch(Loop& loop, int eventfd, std::function<void(uint64_t count)> on_event);
    ~EventWatch();

  private:
    OperationHandle<ReadOperation<uint64_t>> operation_;
};

}  // namespace shmd::loop
