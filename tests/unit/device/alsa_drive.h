#pragma once

#include "device/device.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace shmd::device {

/** Turns a device the way the renderer does, at times that are made up or real. */
class Drive {
  public:
    /** @param cycle_frames  of the device's possible ones */
    Drive(Device& device, uint32_t cycle_frames)
        : device_{device}, cycle_frames_{cycle_frames} {}

    /** Frames to be played, one after the other; silence when they are over. */
    std::vector<std::byte> to_play;
    /** What was captured. */
    std::vector<std::byte> captured;
    /** Turns that rendered, and those that found nothing to do. */
    unsigned useful_turns = 0;
    unsigned useless_turns = 0;
    /** The end of the last block, in the device's count. */
    uint64_t rendered = 0;
    uint64_t position = 0;
    /** The device's gaps between the first and the last frame of `to_play`. */
    uint64_t gap_within = 0;

    bool Start(int64_t now_ns);

    /** One turn. @return when the next is due */
    int64_t Turn(int64_t now_ns);

    /** Turn from now to `end_ns` on the real clock. */
    void RunUntil(int64_t end_ns);

    /** Turn from now until all of `to_play` is over, on the real clock. @return whether
     * it is: false when that took far too long, or the device failed */
    bool RunUntilPlayed();

    static int64_t NowNs();

  private:
    void Render();
    void Capture(uint64_t frame);

    Device& device_;
    const uint32_t cycle_frames_;
    size_t played_bytes_ = 0;
    uint64_t gap_before_ = 0;
};

}  // namespace shmd::device
