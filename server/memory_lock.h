#pragma once

namespace shmd {

/**
 * Keep in memory what is used once, so that the audio thread never waits for a disk:
 * pages are locked as they are touched, none is touched for it. Only where it can hold
 * for all that comes (RLIMIT_MEMLOCK unlimited, or the right to ignore it); else later
 * mappings would fail.
 *
 * @return whether it is so.  Thread: loop, before the audio threads.
 */
bool LockMemory() noexcept;

}  // namespace shmd
