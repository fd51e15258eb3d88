#pragma once

#include "audio/format.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace shmd::device {

/**
 * A card, or what stands for one: it plays and captures interleaved frames at one rate.
 *
 * Frames are counted from the device's creation and never go back; the count stands still
 * while the device is stopped. One block at a time is in flight:
 *
 *     Start ─► ( BeginBlock ─► fill ─► EndBlock )* ─► Stop ─► Start …
 *
 * The renderer asks for a block as soon as what it rendered before has been played, so a
 * device holds at most one cycle that is not played yet.
 */
class Device {
  public:
    virtual ~Device() = default;

    /** Both directions have the same rate. Thread: any. Realtime: yes. Constant for life.
     */
    [[nodiscard]] virtual const audio::StreamFormat& PlaybackFormat() const noexcept = 0;
    [[nodiscard]] virtual const audio::StreamFormat& CaptureFormat() const noexcept = 0;

    /** The cycle lengths it can work with, in frames. Thread: any. Constant for life. */
    [[nodiscard]] virtual uint32_t LeastCycleFrames() const noexcept = 0;
    [[nodiscard]] virtual uint32_t MostCycleFrames() const noexcept = 0;

    /** Start at `now_ns` (CLOCK_MONOTONIC). Thread: audio. Realtime: yes. */
    virtual void Start(int64_t now_ns) noexcept = 0;

    /** Stop; frames that were rendered count as played. Thread: audio. Realtime: yes. */
    virtual void Stop() noexcept = 0;

    /** Frames played by `now_ns`. @pre started. Thread: audio. Realtime: yes. */
    [[nodiscard]] virtual uint64_t PositionFrames(int64_t now_ns) const noexcept = 0;

    /** When `frame` is (or was) played. @pre started. Thread: audio. Realtime: yes. */
    [[nodiscard]] virtual int64_t TimeOfFrameNs(uint64_t frame) const noexcept = 0;

    /**
     * Where the next `frames` frames are to be written, in PlaybackFormat.
     * @param frames  1 to MostCycleFrames()
     * Thread: audio.  Realtime: yes.  What the area held before is unspecified.
     */
    virtual std::span<std::byte> BeginBlock(uint32_t frames) noexcept = 0;

    /**
     * Play what BeginBlock's area holds now.
     * @return the captured frames of the same time, in CaptureFormat, as many; valid
     * until the next BeginBlock Thread: audio.  Realtime: yes.
     */
    virtual std::span<const std::byte> EndBlock(uint32_t frames) noexcept = 0;

    /**
     * Do the I/O that the audio thread must not (write files).
     * Called every kServicePeriodNs while the device runs, and once after it stopped.
     * @return what went wrong since the last call, one sentence for the log, or nothing
     * Thread: loop.
     */
    virtual std::string Service() { return {}; }

    static constexpr int64_t kServicePeriodNs = 100'000'000;
};

}  // namespace shmd::device
