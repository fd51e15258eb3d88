#pragma once

#include <sys/types.h>

namespace shmd::engine {

/** How a thread came to real-time scheduling. */
enum class Realtime {
    kNo,         // it did not: ordinary scheduling
    kByRight,    // RLIMIT_RTPRIO or CAP_SYS_NICE
    kByService,  // the system's RealtimeKit, which makes it SCHED_RR
};

/**
 * Have `thread`, of this process, run under SCHED_FIFO with `priority` (1 to 99): by our
 * own right, else by asking RealtimeKit, which may give less and allows a thread no more
 * than a part of a second without a pause (RLIMIT_RTTIME of the process is lowered to
 * that).
 *
 * Thread: loop; asking takes a few messages on the system's bus, and a second at most.
 */
Realtime MakeRealtime(pid_t thread, int priority) noexcept;

/** Ordinary scheduling again. Thread: loop. */
void MakeOrdinary(pid_t thread) noexcept;

/**
 * A thread under SCHED_FIFO that computes for 200 ms without a pause has lost its way,
 * and would take a processor from everybody: from here on the process gets SIGXCPU then,
 * and is killed after two seconds of it.  Thread: loop, before the first MakeRealtime.
 */
void LimitRealtimeTime() noexcept;

/**
 * Have this thread run before the threads of ordinary programs (nice -11), by our own
 * right, else by asking RealtimeKit: so that a client is answered in time, whatever other
 * users compute. Threads that it starts afterwards inherit that.
 *
 * @return whether it is so.  Thread: loop; asking takes a second at most.
 */
bool PreferThisThread() noexcept;

}  // namespace shmd::engine
