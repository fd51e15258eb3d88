#pragma once

#include "wire/stream_block.h"

#include <cstdint>
#include <optional>

namespace shmd::shm {

/** What the server publishes of a stream at the end of a cycle; see ServerBlock. */
struct Position {
    uint64_t acted = 0;
    wire::StreamState state = wire::StreamState::kIdle;
    uint64_t frames = 0;
    int64_t time_ns = 0;
    uint64_t limit_frames = 0;
    uint64_t delay_frames = 0;
    uint64_t xruns = 0;

    bool operator==(const Position&) const = default;
};

/**
 * Publish `position` in `block` under its sequence lock.
 * One writer thread only.  Realtime: yes.
 *
 * The argument, with ReadPosition: each word is stored with release after the odd
 * sequence, and loaded with acquire before the second look at it. A reader that got a
 * word of this publication therefore sees at least its odd sequence at the second look,
 * which differs from the even one it began with, and tries again. (No fences:
 * ThreadSanitizer does not know them, and on x86 these orders cost nothing.)
 */
void WritePosition(wire::ServerBlock& block, const Position& position) noexcept;

/**
 * The newest whole position in `block`.
 *
 * Bounded: a writer that died in the middle, or lies, gives nothing after some tries.
 * Thread: any.  Realtime: yes.
 */
std::optional<Position> ReadPosition(const wire::ServerBlock& block) noexcept;

}  // namespace shmd::shm
