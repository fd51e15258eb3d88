#pragma once

#include "shm/position.h"

#include <cstdint>

namespace shmd::client {

/**
 * When to look whether `frame` was played: at the end of the cycle that plays it, or of
 * the one after it.
 *
 * All who play on one device find the same instants in what its server publishes, so
 * that they wake together, on one interrupt: that costs them half of what waking one by
 * one does (doc/decisions/0007).
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
 * `due_ns`, if that is yet to come. Else the server is late, and it is worth to look
 * again when it is late by twice as much.  Thread: any.  Realtime: yes.
 */
int64_t NextLookNs(int64_t due_ns, int64_t now_ns) noexcept;

}  // namespace shmd::client
