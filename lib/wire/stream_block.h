#pragma once

#include "wire/limits.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>

/**
 * The two stream blocks: the words by which a stream runs, without messages.
 *
 *     client's pool: | ClientBlock | playback ring ...   written by the client alone
 *     server's pool: | ServerBlock | capture ring  ...   written by the server alone
 *
 * Frame counts are 64 bits, count from wherever the client began, and never wrap; the
 * ring place of frame n is n % buffer_frames. What the other side writes is never
 * trusted: load a word once, check it, then use it.
 */
namespace shmd::wire {

/** What the client wants its stream to be. In a command word, with epoch and generation.
 */
enum class Wanted : uint8_t { kStopped = 0, kRunning = 1, kDraining = 2, kPaused = 3 };

/** What the server has made of it. */
enum class StreamState : uint64_t {
    kIdle = 0,  // no command of this generation was seen yet
    kRunning = 1,
    kDraining = 2,
    kPaused = 3,
    kXrun = 4,     // until the next epoch
    kStopped = 5,  // dropped, or drained to the end
};

/**
 * The command word: | epoch 32 | generation 16 | zero 8 | Wanted 8 |.
 *
 * It is a state, not an event: the server acts on the newest one and may never see those
 * between. A new epoch is a new start, at ClientBlock::start_frames. The generation is
 * that of ParamsSet; a word of another generation is not for these parameters and is
 * ignored.
 */
struct Command {
    uint32_t epoch = 0;
    uint16_t generation = 0;
    Wanted wanted = Wanted::kStopped;

    [[nodiscard]] constexpr uint64_t Pack() const noexcept {
        return uint64_t{epoch} << 32 | uint64_t{generation} << 16 |
               static_cast<uint64_t>(wanted);
    }
    /** What is not a command (a wanted state that does not exist) is not for anybody. */
    static constexpr bool IsValid(uint64_t word) noexcept {
        return (word & 0xff00) == 0 &&
               (word & 0xff) <= static_cast<uint64_t>(Wanted::kPaused);
    }
    static constexpr Command Unpack(uint64_t word) noexcept {
        return {static_cast<uint32_t>(word >> 32), static_cast<uint16_t>(word >> 16),
                static_cast<Wanted>(word & 0xff)};
    }
    /** Whether both belong to the same start. */
    static constexpr bool SameEpoch(uint64_t a, uint64_t b) noexcept {
        return a >> 16 == b >> 16;
    }
};

/**
 * The epoch of the start after that of `epoch`. It is never 0: a word of 0 is what a
 * server has acted on before the first. Others come again after 2^32 starts. A server
 * compares an epoch with the newest that it knows alone, and a Kick goes with each start,
 * so that it cannot be 2^32 starts behind.
 */
constexpr uint32_t EpochAfter(uint32_t epoch) noexcept {
    return epoch == UINT32_MAX ? 1 : epoch + 1;
}

/** A stop threshold that is never reached (ALSA's `boundary`). */
inline constexpr uint64_t kNeverStop = UINT64_MAX;

/** An avail_min that is never reached: wake at the end (xrun, stopped) alone. */
inline constexpr uint64_t kNeverWake = UINT64_MAX;

/**
 * Where a client may write into the card's own ring at present: frame f of the stream
 * goes to place (f + offset) % ring_frames. Each change has another serial; "nowhere"
 * keeps the last.
 */
struct DirectPlace {
    uint32_t serial = 0;
    std::optional<uint32_t> offset;

    [[nodiscard]] constexpr uint64_t Pack() const noexcept {
        return uint64_t{serial} << 32 | (offset ? uint64_t{*offset} + 1 : 0);
    }
    static constexpr DirectPlace Unpack(uint64_t word) noexcept {
        const auto low = static_cast<uint32_t>(word);
        return {static_cast<uint32_t>(word >> 32),
                low == 0 ? std::nullopt : std::optional{low - 1}};
    }
};

/** Offsets: 0 written | 64 command, start, armed, avail_min, stop_threshold, direct_used,
 * direct_from. */
struct ClientBlock {
    // Playback: the end of the frames that may be read. Capture: the end of those taken.
    // Released after the frames were written (or copied out); may go back (rewind).
    alignas(64) std::atomic<uint64_t> written_frames;
    // Released after start_frames.
    alignas(64) std::atomic<uint64_t> command;
    std::atomic<uint64_t> start_frames;
    // The number of the client's newest wake request; see ServerBlock::woken.
    std::atomic<uint64_t> armed;
    std::atomic<uint64_t> avail_min_frames;
    std::atomic<uint64_t> stop_threshold_frames;
    // Direct mode: the serial of the place at which all frames from direct_from to
    // written_frames lie in the card's ring too; 0: none do. Stored before
    // written_frames, direct_from first.
    std::atomic<uint64_t> direct_used;
    std::atomic<uint64_t> direct_from;
};

/** Offsets: 0 sequence … xruns, under the sequence lock | 64 woken, direct,
 * cycle_ns. */
struct ServerBlock {
    // A sequence lock over the next seven: odd while they are being written.
    alignas(64) std::atomic<uint64_t> sequence;
    std::atomic<uint64_t> acted;            // the command word that this is an answer to
    std::atomic<uint64_t> state;            // StreamState
    std::atomic<uint64_t> position_frames;  // hw_ptr at position_ns
    std::atomic<int64_t> position_ns;       // CLOCK_MONOTONIC
    std::atomic<uint64_t> limit_frames;     // hw_ptr is never more than this
    std::atomic<uint64_t> delay_frames;     // from hw_ptr to the ear, or from it
    std::atomic<uint64_t> xruns;            // since SetParams
    // The last `armed` that was answered by a wake. Stored before the wake is sent.
    alignas(64) std::atomic<uint64_t> woken;
    // DirectPlace. Released when the card's ring is as it says.
    std::atomic<uint64_t> direct;
    // How long a cycle of the device is at present; a hint, by which to guess its ends.
    std::atomic<int64_t> cycle_ns;
};

static_assert(std::atomic<uint64_t>::is_always_lock_free &&
              sizeof(std::atomic<uint64_t>) == 8);
static_assert(offsetof(ClientBlock, written_frames) == 0 &&
              offsetof(ClientBlock, command) == 64 &&
              offsetof(ClientBlock, start_frames) == 72 &&
              offsetof(ClientBlock, armed) == 80 &&
              offsetof(ClientBlock, avail_min_frames) == 88 &&
              offsetof(ClientBlock, stop_threshold_frames) == 96 &&
              offsetof(ClientBlock, direct_used) == 104 &&
              offsetof(ClientBlock, direct_from) == 112 && sizeof(ClientBlock) == 128);
static_assert(offsetof(ServerBlock, sequence) == 0 && offsetof(ServerBlock, acted) == 8 &&
              offsetof(ServerBlock, state) == 16 &&
              offsetof(ServerBlock, position_frames) == 24 &&
              offsetof(ServerBlock, position_ns) == 32 &&
              offsetof(ServerBlock, limit_frames) == 40 &&
              offsetof(ServerBlock, delay_frames) == 48 &&
              offsetof(ServerBlock, xruns) == 56 && offsetof(ServerBlock, woken) == 64 &&
              offsetof(ServerBlock, direct) == 72 &&
              offsetof(ServerBlock, cycle_ns) == 80 && sizeof(ServerBlock) == 128);
static_assert(sizeof(ClientBlock) <= kBlockBytes && sizeof(ServerBlock) <= kBlockBytes);

}  // namespace shmd::wire
