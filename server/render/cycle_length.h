#pragma once

#include <cstdint>

namespace shmd::render {

/**
 * How long the cycles of a device are: as long as the most demanding stream allows,
 * shorter at once, and longer only when nothing has asked for less for a second: streams
 * that come and go do not make the others' wakes come and go with them.
 *
 * Thread: audio.  Realtime: yes.
 */
class CycleLength {
  public:
    explicit CycleLength(uint32_t rate_hz) noexcept : hold_frames_{rate_hz} {}

    /**
     * The frames of the cycle that begins at the device's `frame`.
     * @param most_frames  what the streams that run allow
     */
    uint32_t Next(uint32_t most_frames, uint64_t frame) noexcept {
        const bool may_grow = frames_ == 0 || frame >= held_until_;
        if (most_frames <= frames_ || may_grow) {
            frames_ = most_frames;
            held_until_ = frame + hold_frames_;
        }
        return frames_;
    }

    /** The device stops: what comes next begins anew. */
    void Forget() noexcept { frames_ = 0; }

    /** 0 before the first. */
    [[nodiscard]] uint32_t Frames() const noexcept { return frames_; }

  private:
    uint32_t hold_frames_;
    uint32_t frames_ = 0;
    uint64_t held_until_ = 0;
};

}  // namespace shmd::render
