#pragma once

#include <cstdint>

namespace shmd::render {

/** Processor time of a thread so far, in nanoseconds; tests make it up. */
using ProcessorClock = int64_t (*)() noexcept;

/** That of the calling thread. Thread: any. Realtime: yes (one system call). */
int64_t ThreadProcessorTimeNs() noexcept;

}  // namespace shmd::render
