#pragma once

#include "audio/format.h"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace shmd::device {

/** A sound file in memory, played over and over. Any file that libsndfile reads will do.
 */
class WavSource {
  public:
    /** More would have to be streamed from the disk, which is not what a test signal
     * needs. */
    static constexpr size_t kMostBytes = size_t{512} << 20;

    /**
     * Read the whole file.
     *
     * @param path     a regular file
     * @param rate_hz  the rate that it must have
     *
     * Thread: loop.  Realtime: no.
     * Errors: std::runtime_error, one sentence with the path: not a sound file, another
     * rate (both are named), no frames, too many channels, more than kMostBytes.
     */
    WavSource(const std::string& path, uint32_t rate_hz);

    /** The file's own samples and channels. Thread: any. Realtime: yes. Constant for
     * life. */
    [[nodiscard]] const audio::StreamFormat& Format() const noexcept { return format_; }

    /** Frames of one round. Thread: any. Realtime: yes. Constant for life. */
    [[nodiscard]] uint64_t Frames() const noexcept;

    /**
     * Fill `frames` with the next frames; after the last comes the first.
     * @param frames  whole frames in Format()
     * Thread: audio.  Realtime: yes.  Errors: none.
     */
    // Inline, so that the real-time lint sees it in virtual_device.cc: wav_source.cc has
    // only what the loop thread runs.
    void Read(std::span<std::byte> frames) noexcept {
        assert(frames.size() % format_.FrameBytes() == 0);
        while (!frames.empty()) {
            const size_t count = std::min(frames.size(), bytes_.size() - next_);
            std::memcpy(frames.data(), bytes_.data() + next_, count);
            frames = frames.subspan(count);
            next_ = (next_ + count) % bytes_.size();
        }
    }

  private:
    audio::StreamFormat format_;
    std::vector<std::byte> bytes_;
    size_t next_ = 0;
};

}  // namespace shmd::device
