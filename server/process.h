#pragma once

namespace shmd {

/**
 * Open /dev/null on descriptors 0, 1 and 2 where they are closed. Without this the next
 * file that is opened gets such a number, and what is written to standard error goes into
 * that file.
 *
 * Thread: the only one.  Errors: std::system_error.
 */
void OpenStandardDescriptors();

/**
 * Ignore the signals that mean nothing to this server and would end it: SIGUSR1, SIGALRM,
 * the real-time signals and the like. A signal that is ignored or handled already keeps
 * that. What is left as it is: the signals that the loop takes, those that report a bug
 * (SIGSEGV), and those of a terminal (SIGQUIT, SIGTSTP).
 *
 * Thread: the only one.  Errors: none.
 */
void IgnoreMeaninglessSignals() noexcept;

}  // namespace shmd
