#pragma once

#include "render/context.h"
#include "render/stream_setup.h"
#include "shm/position.h"

#include <cstdint>

namespace shmd::render {

/**
 * The words of one stream: what its client wants, where it is, and when to wake it.
 *
 *                 new epoch            no frames (underrun), no room (overrun)
 *     Idle ───────────────► Running ──────────────────────────► Xrun
 *                           │  ▲  │ client: draining              │
 *            client: paused ▼  │  ▼                               │ new epoch
 *                          Paused Draining ── all played ─► Stopped ◄─ client: stopped
 *
 * All arrows but the marked are taken on the client's command word. A fault (a word that
 * cannot be) ends in Stopped for good.
 *
 * Thread: audio (but for construction).  Realtime: yes.
 */
class StreamControl {
  public:
    StreamControl(const StreamSetup& setup, uint32_t device_rate_hz) noexcept;

    /** The same stream, as far as it has come, on another device. */
    StreamControl(const StreamControl& other, uint32_t device_rate_hz) noexcept;

    /** What a look at the command word changed. */
    enum class Change { kNone, kStarted, kResumed, kOther };

    /**
     * Act on the newest command. A stream that starts or goes on has its next frame at
     * `device_frame`, the first that was not rendered yet.
     */
    Change ReadCommand(Context& context, uint64_t device_frame) noexcept;

    /**
     * Whether the client has ended this epoch since ReadCommand: what it wrote after that
     * is for another.  Thread: audio; after the word was loaded that may be such.
     */
    [[nodiscard]] bool IsSuperseded() const noexcept {
        const uint64_t word =
            setup_.client_block->command.load(std::memory_order_acquire);
        return !wire::Command::SameEpoch(word, acted_) ||
               wire::Command::Unpack(word).wanted == wire::Wanted::kStopped;
    }

    [[nodiscard]] bool IsRunning() const noexcept {
        return state_ == wire::StreamState::kRunning ||
               state_ == wire::StreamState::kDraining;
    }
    [[nodiscard]] wire::StreamState State() const noexcept { return state_; }

    /** Where a started stream begins. */
    [[nodiscard]] uint64_t StartFrame() const noexcept { return base_frame_; }

    /** The stream's frame that is at the device's `device_frame`. */
    [[nodiscard]] uint64_t FrameAt(uint64_t device_frame) const noexcept;

    /** Continue the count of frames: `frame` is at `device_frame`. */
    void Rebase(uint64_t frame, uint64_t device_frame) noexcept;

    /** Underrun or overrun. `missing` frames at `frame`. */
    void EnterXrun(Context& context, Event event, uint64_t missing,
                   uint64_t frame) noexcept;
    /** The same of a stream that goes on: for the log and the statistics alone. */
    void ReportXrun(Context& context, Event event, uint64_t missing,
                    uint64_t frame) noexcept;
    void EnterStopped() noexcept { SetState(wire::StreamState::kStopped); }
    void EnterFault(Context& context, Fault fault, uint64_t word) noexcept;

    /** Publish where the stream is, and wake its client if that has changed its state. */
    void Publish(Context& context, uint64_t frame, int64_t time_ns, uint64_t limit_frames,
                 uint64_t delay_frames) noexcept;

    /** Wake the client, if its newest wake request is not answered. @return if it did */
    bool Wake(Context& context) noexcept;

    [[nodiscard]] const StreamSetup& Setup() const noexcept { return setup_; }

    /** Frames (the client's) after which it wants to hear of us, as it says itself. */
    [[nodiscard]] uint64_t AvailMin() const noexcept {
        return setup_.client_block->avail_min_frames.load(std::memory_order_relaxed);
    }
    [[nodiscard]] uint64_t StopThreshold() const noexcept {
        return setup_.client_block->stop_threshold_frames.load(std::memory_order_relaxed);
    }
    /** What the client wrote (playback) or took (capture). */
    [[nodiscard]] uint64_t WrittenUntrusted() const noexcept {
        return setup_.client_block->written_frames.load(std::memory_order_acquire);
    }

    /**
     * The longest cycle at which this stream stays whole, in device frames.
     *
     * It is woken at the first cycle whose end leaves it `period` frames to move, at
     * worst period + cycle - 1 frames after the last time, and the cycle that begins then
     * must still find its own frames (or room) in the buffer: period + 2 x cycle <=
     * buffer.
     */
    [[nodiscard]] uint32_t MostCycleFrames() const noexcept { return most_cycle_frames_; }

  private:
    void SetState(wire::StreamState state) noexcept;
    void TellFault(Context& context) noexcept;
    void Tell(Context& context) noexcept;
    Change Start(Context& context, uint64_t device_frame) noexcept;
    Change Follow(wire::Wanted wanted) noexcept;

    StreamSetup setup_;
    uint32_t device_rate_hz_;
    uint32_t most_cycle_frames_;
    uint64_t acted_ = 0;
    uint64_t woken_;
    int64_t cycle_ns_ = 0;  // as published last
    uint64_t base_frame_ = 0;
    uint64_t base_device_frame_ = 0;
    uint64_t xruns_ = 0;
    wire::StreamState state_ = wire::StreamState::kIdle;
    bool state_is_news_ = false;
    bool has_moved_ = false;
    bool faulted_ = false;
    bool fault_is_told_ = false;
    Fault fault_ = Fault::kCommand;
    uint64_t fault_word_ = 0;
};

}  // namespace shmd::render
