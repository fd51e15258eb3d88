#pragma once

#include <sys/types.h>

namespace shmd::engine {

/** How a thread got real-time scheduling. */
enum class Realtime {
    kNo,         // it has none: ordinary scheduling
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
 * Limit threads under SCHED_FIFO: one that computes without a pause takes a processor
 * from all programs. From here on the process gets SIGXCPU when a thread has computed for
 * 200 ms, and is killed after two seconds.  Thread: loop, before the first MakeRealtime.
 */
void LimitRealtimeTime() noexcept;

/**
 * Have this thread run before the threads of ordinary programs (nice -11), by our own
 * right, else by asking RealtimeKit: so that a client is answered in time, whatever other
 * users compute. Threads that it starts afterwards inherit that.
 *
 * @return whether it worked.  Thread: loop; asking takes a second at most.
 */
bool PreferThisThread() noexcept;

}  // namespace shmd::engine
