#pragma once

#include "shm/position.h"

#include <cstdint>

namespace shmd::client {

/**
 * The end of the cycle that plays or captures `frame`, or of the cycle after it.
 *
 * All streams of one device find the same instants in what its server publishes, so
 * that their programs wake together, on one interrupt: that costs half of what waking
 * one by one does (doc/decisions/0007).
 *
 * @param position  of a stream that runs
 * @param cycle_ns  the server's own word for how long a cycle is at present
 * @param rate_hz   of the stream
 * @return CLOCK_MONOTONIC; after `position.time_ns`, by less than a minute
 *
 * Thread: any.  Realtime: yes.
 */
int64_t WakeTimeNs(const shm::Position& position, int64_t cycle_ns, uint64_t frame,
                   uint32_t rate_hz) noexcept;

/**
 * The time that `frames` frames take, rounded up: none of them is still to come then.
 * @return 0 for a negative count, and a minute at most.  Thread: any.  Realtime: yes.
 */
int64_t DurationNs(int64_t frames, uint32_t rate_hz) noexcept;

/**
 * When to look, if that was due at `due_ns`: then, if that is yet to come. Else the
 * server is late: look again when it is late by twice as much, but after `least_ns` at
 * the earliest and `most_ns` at the latest.
 *
 * @pre 0 <= due_ns; 0 < least_ns <= most_ns.  Thread: any.  Realtime: yes.
 */
int64_t NextLookNs(int64_t due_ns, int64_t now_ns, int64_t least_ns,
                   int64_t most_ns) noexcept;

}  // namespace shmd::client
