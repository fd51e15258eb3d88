#pragma once

#include <string>

namespace shmd::render {

/** Why a thread cannot be confined in this build; empty if it can. */
std::string WhyNotConfinable();

/**
 * From here on the calling thread may make the system calls that an audio thread may
 * make, and any other kills the process with SIGSYS:
 *
 *     futex                                   its only wait
 *     write to `news_fd`                      news for the loop
 *     sendto with MSG_DONTWAIT                wakes for the clients
 *     clock_gettime                           where the vDSO has no clock
 *     madvise, munmap, rt_sigprocmask, exit   the end of a thread (glibc's start_thread)
 */
void ConfineThisThread(int news_fd);

}  // namespace shmd::render
