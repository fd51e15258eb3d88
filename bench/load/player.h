#pragma once

#include <cstdint>
#include <limits>
#include <optional>

namespace shmd::bench {

/** What is played: S16 interleaved stereo. */
inline constexpr uint32_t kRateHz = 48000;
inline constexpr uint32_t kChannels = 2;
inline constexpr uint32_t kFrameBytes = 4;

/** As many periods as there is room for. */
inline constexpr uint32_t kAllPeriods = std::numeric_limits<uint32_t>::max();

/** What a writer plays with: one stream that it opens, waits for and writes to. */
class Player {
  public:
    virtual ~Player() = default;

    /** Period and buffer in frames, asked for; then those that were got. */
    struct Size {
        uint32_t period_frames = 0;
        uint32_t buffer_frames = 0;
    };

    /** Open and set up, ready to be written to. Errors: std::runtime_error. */
    virtual Size Open(Size wanted) = 0;

    enum class Wake {
        kRoom,     // there is room for a period
        kNothing,  // woken, and there was nothing to do
        kXrun,     // the stream ran empty; Recover() makes it writable
        kTimeout,  // nobody woke us
    };

    /** Wait for room for a period, at most half a second. Errors: std::runtime_error. */
    virtual Wake Wait() = 0;

    /**
     * Write as many whole periods as there is room for, but at most so many.
     * @return how many; nothing if the stream ran empty
     * Errors: std::runtime_error.
     */
    virtual std::optional<uint32_t> Write(uint32_t most_periods) = 0;

    /** After an xrun: as opened. Errors: std::runtime_error. */
    virtual void Recover() = 0;
};

}  // namespace shmd::bench
