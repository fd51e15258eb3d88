#pragma once

#include "device/device.h"
#include "device/device_spec.h"
#include "device/history.h"
#include "device/wav_sink.h"
#include "device/wav_source.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace shmd::device {

/**
 * A device without a card: its rate is exactly that of the clock whose times it is given.
 *
 * It reads no clock itself, so a test's manual clock makes it deterministic. Frame n of a
 * run is played at start + ceil(n * 1e9 / rate) nanoseconds, worked out anew each time:
 * no error adds up. A renderer that comes late finds a position beyond what it rendered;
 * what it renders then is played at once, and nothing is lost.
 *
 * Captured is what was played (the monitor), or a file's frames, over and over, as many
 * as the time in which somebody recorded.
 */
class VirtualDevice final : public Device {
  public:
    /**
     * Allocate everything, read the capture file, create the WAV file.
     * Thread: loop.  Errors: std::system_error and std::runtime_error, for the files.
     */
    explicit VirtualDevice(const DeviceSpec& spec);

    [[nodiscard]] const audio::StreamFormat& PlaybackFormat() const noexcept override;
    [[nodiscard]] const audio::StreamFormat& CaptureFormat() const noexcept override;
    [[nodiscard]] uint32_t LeastCycleFrames() const noexcept override;
    [[nodiscard]] uint32_t MostCycleFrames() const noexcept override;
    [[nodiscard]] uint32_t GraceFrames() const noexcept override;

    bool Finish() override;

    /** From here on the next frame to be rendered is the one that is played at `now_ns`.
     */
    bool Start(int64_t now_ns) noexcept override;
    void Stop() noexcept override;

    /** For a time before Start: the frame that Start began with. */
    [[nodiscard]] uint64_t PositionFrames(int64_t now_ns) noexcept override;

    /** The earliest time at which PositionFrames() is `frame`. */
    [[nodiscard]] int64_t TimeOfFrameNs(uint64_t frame) const noexcept override;

    std::span<std::byte> BeginBlock(uint32_t frames) noexcept override;
    void EndBlock(uint32_t frames) noexcept override;
    void KeepCaptured(bool keep) noexcept override;
    std::span<const std::byte> CapturedBefore(uint64_t frame) noexcept override;

    /** Write to the WAV file what was played since; the sentence says what it lacks. */
    std::string Service() override;
    [[nodiscard]] bool NeedsService() const noexcept override {
        return sink_.has_value();
    }

  private:
    std::span<const std::byte> ReadSource(uint64_t frame) noexcept;

    const audio::StreamFormat format_;
    const uint32_t least_cycle_frames_;
    const uint32_t most_cycle_frames_;
    /** Before `sink_`: a capture file that is refused must not cost an old recording. */
    std::optional<WavSource> source_;
    std::optional<WavSink> sink_;
    std::vector<std::byte> block_;
    std::vector<std::byte> capture_block_;
    History history_;

    // The audio thread's alone.
    bool started_ = false;
    int64_t start_ns_ = 0;
    uint64_t start_frame_ = 0;
    uint64_t rendered_ = 0;
    bool keeps_ = false;
    uint64_t captured_ = 0;   // the frame after the last that was taken from the file
    size_t taken_bytes_ = 0;  // of `history_`, by the last call

    // The loop's alone.
    uint64_t reported_lost_frames_ = 0;
};

}  // namespace shmd::device
