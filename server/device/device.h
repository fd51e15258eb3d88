#pragma once

#include "audio/format.h"
#include "base/clock.h"
#include "base/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace shmd::device {

/** A card's own ring, as a client may be given it (direct mode). */
struct SharedRing {
    base::UniqueFd fd;
    uint32_t ring_frames = 0;
    uint32_t ahead_frames =
        0;  // before the position, that the card may still have to play
};

/**
 * A card, or what stands for one: it plays or captures interleaved frames, or both, at
 * one rate.
 *
 * Frames are counted from the device's creation and never go back; the count stands still
 * while the device is stopped. One block at a time is in flight:
 *
 *     Open ─► Start ─► ( BeginBlock ─► fill ─► EndBlock )* ─► Stop ─► Start … ─► Close
 *
 * The renderer asks for a block as soon as what it rendered before is over, so a device
 * holds at most one cycle ahead of its position. The position of a card that plays is
 * ahead of what is heard, by LatencyFrames(): the renderer has that long to be late.
 */
class Device {
  public:
    virtual ~Device() = default;

    /**
     * Both have the same rate; a device of one direction gives it as the other's too.
     * Thread: any. Realtime: yes. Constant for life.
     */
    [[nodiscard]] virtual const audio::StreamFormat& PlaybackFormat() const noexcept = 0;
    [[nodiscard]] virtual const audio::StreamFormat& CaptureFormat() const noexcept = 0;
    [[nodiscard]] virtual bool HasPlayback() const noexcept { return true; }
    [[nodiscard]] virtual bool HasCapture() const noexcept { return true; }

    /** The cycle lengths it can work with, in frames. Thread: any. Constant for life. */
    [[nodiscard]] virtual uint32_t LeastCycleFrames() const noexcept = 0;
    [[nodiscard]] virtual uint32_t MostCycleFrames() const noexcept = 0;

    /** A frame is heard when the position is this much further. Thread: any. Constant. */
    [[nodiscard]] virtual uint32_t LatencyFrames() const noexcept { return 0; }

    /** How far beyond a block's first frame the position may be when it is rendered: what
     * the renderer may give its clients when it was held up itself. Thread: any.
     * Constant.
     */
    [[nodiscard]] virtual uint32_t GraceFrames() const noexcept { return 0; }

    /** What it is and how it is set, for the log; nothing if its spec says it all.
     * Thread: any. */
    [[nodiscard]] virtual std::string Description() const { return {}; }

    // --- the loop's side

    /** Make Start possible. Thread: loop. Errors: std::system_error. */
    virtual void Open() {}

    /** Let go of the hardware, if there is any, unless the audio thread is at it: also
     * for a moment after a Stop. @return false if it is. Thread: loop. */
    virtual bool Close() { return true; }

    /**
     * Play to the end what was rendered, after the audio thread has let go; waits at most
     * as long as that takes, and stops. It may be used anew after that: frames are
     * counted from 0 again.
     * @return whether all of it was heard: false after a failure. Thread: loop.
     */
    virtual bool Finish() { return !HasFailed(); }

    /**
     * Do the I/O that the audio thread must not (write files).
     * Called after it stopped, and while it runs every kServicePeriodNs if it
     * NeedsService.
     * @return what went wrong since the last call, one sentence for the log, or nothing
     * Thread: loop.
     */
    virtual std::string Service() { return {}; }

    /** Whether the loop is to wake for it all the time. Thread: loop. Constant. */
    [[nodiscard]] virtual bool NeedsService() const noexcept { return false; }

    static constexpr int64_t kServicePeriodNs = 100'000'000;

    /**
     * A descriptor to map the ring with, for a client. See OpenSharedRing.
     * @pre open.  Thread: loop.  Errors: std::system_error, in words.
     */
    virtual SharedRing ShareRing(bool unrestricted);

    // --- the audio thread's side

    /**
     * Start at `now_ns` (CLOCK_MONOTONIC): the next frame to be rendered is at the
     * position then.
     * @return false if it is not open. Thread: audio. Realtime: yes.
     */
    virtual bool Start(int64_t now_ns) noexcept = 0;

    /** Stop; frames that were rendered count as played. Thread: audio. Realtime: yes. */
    virtual void Stop() noexcept = 0;

    /**
     * After a Stop: what can only be done when the last frames were heard.
     * @return when it is to be called again; kNever if nothing is left to do.
     * Thread: audio. Realtime: yes.
     */
    virtual int64_t Rest(int64_t now_ns) noexcept {
        (void)now_ns;
        return base::kNever;
    }

    /** The position at `now_ns`. @pre started. Thread: audio. Realtime: yes. */
    [[nodiscard]] virtual uint64_t PositionFrames(int64_t now_ns) noexcept = 0;

    /** When the position is (or was) `frame`. @pre started. Thread: audio. Realtime: yes.
     */
    [[nodiscard]] virtual int64_t TimeOfFrameNs(uint64_t frame) const noexcept = 0;

    /** The hardware is gone: nothing moves any more. Thread: any. Realtime: yes. */
    [[nodiscard]] virtual bool HasFailed() const noexcept { return false; }

    /**
     * Frames of silence that it played so far because a block came too late; they are in
     * no count of frames. Or, capturing, frames that were lost. Thread: audio.
     */
    [[nodiscard]] virtual uint64_t GapFrames() const noexcept { return 0; }

    /**
     * Where the next `frames` frames are to be written, in PlaybackFormat; nowhere, if it
     * does not play.
     * @param frames  1 to MostCycleFrames()
     * Thread: audio.  Realtime: yes.  What the area held before is unspecified.
     */
    virtual std::span<std::byte> BeginBlock(uint32_t frames) noexcept = 0;

    /** Play what BeginBlock's area holds now. Thread: audio. Realtime: yes. */
    virtual void EndBlock(uint32_t frames) noexcept = 0;

    // Direct mode: a client has written the next block where the card will read it.

    /** The next block's place in the ring; nothing if it cannot be a client's. Thread:
     * audio. Realtime: yes. */
    [[nodiscard]] virtual std::optional<uint32_t> NextPlace() const noexcept {
        return {};
    }

    /** In place of BeginBlock and EndBlock: the block is in the ring. Thread: audio.
     * Realtime: yes. */
    virtual void SkipBlock(uint32_t frames) noexcept { (void)frames; }

    /** Silence what a client wrote behind the last block, started or not. Thread: audio.
     * Realtime: yes. */
    virtual void SilenceAhead() noexcept {}

    /** Whether anybody takes what is captured, from now on. Thread: audio. Realtime: yes.
     */
    virtual void KeepCaptured(bool keep) noexcept { (void)keep; }

    /**
     * The next frames that were captured before the position was `frame`, in
     * CaptureFormat; what an earlier call gave is over.  Thread: audio.  Realtime: yes.
     */
    virtual std::span<const std::byte> CapturedBefore(uint64_t frame) noexcept {
        (void)frame;
        return {};
    }
};

}  // namespace shmd::device
