#include "shm/position.h"

namespace shmd::shm {

namespace {

// A publication takes some ten stores; a reader that lost this often meets a dead writer
// or one that was preempted in the middle, and is better off with what it knew before.
constexpr int kTries = 1000;

}  // namespace

void WritePosition(wire::ServerBlock& block, const Position& position) noexcept {
    constexpr auto kRelease = std::memory_order_release;
    const uint64_t before = block.sequence.load(std::memory_order_relaxed);
    block.sequence.store(before + 1, std::memory_order_relaxed);
    block.acted.store(position.acted, kRelease);
    // In one order with the client's `armed`. The server ends a stream and then looks for
    // a wake request; the client makes a request and then looks for an end. At least one
    // of them finds the other's.
    block.state.store(static_cast<uint64_t>(position.state), std::memory_order_seq_cst);
    block.position_frames.store(position.frames, kRelease);
    block.position_ns.store(position.time_ns, kRelease);
    block.limit_frames.store(position.limit_frames, kRelease);
    block.delay_frames.store(position.delay_frames, kRelease);
    block.xruns.store(position.xruns, kRelease);
    block.sequence.store(before + 2, kRelease);
}

std::optional<Position> ReadPosition(const wire::ServerBlock& block) noexcept {
    constexpr auto kAcquire = std::memory_order_acquire;
    for (int tries = 0; tries < kTries; ++tries) {
        const uint64_t before = block.sequence.load(kAcquire);
        if (before & 1) continue;
        Position position;
        position.acted = block.acted.load(kAcquire);
        position.state = static_cast<wire::StreamState>(block.state.load(kAcquire));
        position.frames = block.position_frames.load(kAcquire);
        position.time_ns = block.position_ns.load(kAcquire);
        position.limit_frames = block.limit_frames.load(kAcquire);
        position.delay_frames = block.delay_frames.load(kAcquire);
        position.xruns = block.xruns.load(kAcquire);
        if (block.sequence.load(std::memory_order_relaxed) == before) return position;
    }
    return {};
}

}  // namespace shmd::shm
