#pragma once

#include <sys/types.h>
#include <cstdint>

namespace shmd::bench {

/**
 * The processor time that a process has used, all its threads, also those that ended.
 * Exact to the nanosecond, where /proc/PID/stat counts ticks.
 * Errors: std::system_error, also if there is no such process.
 */
int64_t ProcessorNs(pid_t pid);

/** Voluntary context switches of its threads up to now; 0 if it is gone. */
uint64_t ContextSwitches(pid_t pid);

/** Proportional set size in KiB; 0 if it is gone. */
uint64_t PssKib(pid_t pid);

}  // namespace shmd::bench
