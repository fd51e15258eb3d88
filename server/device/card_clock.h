#pragma once

#include <cstdint>

namespace shmd::device {

/**
 * Where a card is, between and in spite of what it says.
 *
 * A card's pointer moves in steps (a burst of its DMA, a tick of a timer, a whole
 * period), so what it says is where it was a moment ago: right at a step, too little
 * after it.
 *
 *     frame        ·/   the line: at the nominal rate through
 *       |   ┌─────/     the tops of the steps
 *       | ┌─┘   /·
 *       |/┘   what the card says
 *       └──────────────── time
 *
 * The line jumps up to what the card says when that is above it, and sinks slowly towards
 * it when it is below: an eighth of the distance at each look, so that a card which says
 * exactly where it is is believed exactly, and a look that came late is forgotten.
 */
class CardClock {
  public:
    /** @param most_ahead_frames  how far the line may be above what the card says */
    CardClock(uint32_t rate_hz, uint32_t most_ahead_frames) noexcept
        : rate_hz_{rate_hz}, most_ahead_frames_{most_ahead_frames} {}

    /** The card is at `frame` at `now_ns`. Thread: one. Realtime: yes. */
    void Set(int64_t frame, int64_t now_ns) noexcept;

    /**
     * The card says at `now_ns` that it is at `said_frame`.
     * @return where it is: at least that, and at least FrameAt(now_ns) of before, unless
     * that was too far ahead. Thread: one. Realtime: yes.
     */
    int64_t Observe(int64_t said_frame, int64_t now_ns) noexcept;

    /** Where it is at `now_ns` by the line, rounded down. Thread: one. Realtime: yes. */
    [[nodiscard]] int64_t FrameAt(int64_t now_ns) const noexcept;

    /** The first time at which FrameAt is `frame`. Thread: one. Realtime: yes. */
    [[nodiscard]] int64_t TimeOfNs(int64_t frame) const noexcept;

  private:
    uint32_t rate_hz_;
    uint32_t most_ahead_frames_;
    // A point of the line.
    int64_t frame_ = 0;
    int64_t time_ns_ = 0;
};

}  // namespace shmd::device
