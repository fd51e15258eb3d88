#pragma once

#include "device/alsa_pcm.h"
#include "device/card_clock.h"
#include "device/device.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

namespace shmd::device {

/**
 * A PCM that plays: a card's own ring, or any other PCM of alsa-lib.
 *
 * Two counts of frames: the card's, which runs while the card does, and the device's,
 * which is the renderer's. They differ by `base_`, which moves when silence goes between
 * two frames of the device: at a start, and when a block came too late (a gap).
 *
 *          heard now                              card frames ─►
 *     ─────────┼────────────────┼───────────┼──────────
 *           the card      + LatencyFrames()   written_
 *                           = position + base_   = rendered + base_
 *
 * So a block that comes in time is in the ring at least LatencyFrames(), a period, before
 * the card gets there. A renderer that is later than that finds a gap: the silence that
 * was played instead of its frames, and as much again as it needs to be in time.
 *
 * One that is held up for longer than that while it renders, after it was told the
 * position, would write into the past; EndBlock sees it, and takes the block out again to
 * where it is still in time.
 *
 * Hardware runs on when it is stopped: the kernel silences what was played, and Start
 * finds the place. It does so at each interrupt and whenever it is asked where the card
 * is; without interrupts it is asked once more when the last frames were heard (Rest).
 * Any other PCM plays what it has and stops by itself.
 */
class AlsaPlayback final : public Device {
  public:
    /** Open it. Thread: loop. Errors: as OpenAlsaPcm. */
    explicit AlsaPlayback(AlsaSpec spec);

    /** For the log, and for what goes beside alsa-lib to the card. Thread: any. */
    [[nodiscard]] std::string Description() const override { return pcm_.Description(); }
    [[nodiscard]] const AlsaSetup& Setup() const noexcept { return pcm_.Setup(); }

    [[nodiscard]] const audio::StreamFormat& PlaybackFormat() const noexcept override;
    [[nodiscard]] const audio::StreamFormat& CaptureFormat() const noexcept override;
    [[nodiscard]] bool HasCapture() const noexcept override { return false; }
    [[nodiscard]] uint32_t LeastCycleFrames() const noexcept override;
    [[nodiscard]] uint32_t MostCycleFrames() const noexcept override;
    [[nodiscard]] uint32_t LatencyFrames() const noexcept override;
    [[nodiscard]] uint32_t GraceFrames() const noexcept override;

    void Open() override { pcm_.Open(); }
    bool Close() override { return pcm_.Close(); }
    bool Finish() override;

    bool Start(int64_t now_ns) noexcept override;
    void Stop() noexcept override;
    int64_t Rest(int64_t now_ns) noexcept override;
    [[nodiscard]] uint64_t PositionFrames(int64_t now_ns) noexcept override;
    [[nodiscard]] int64_t TimeOfFrameNs(uint64_t frame) const noexcept override;
    [[nodiscard]] bool HasFailed() const noexcept override { return has_failed_; }
    [[nodiscard]] uint64_t GapFrames() const noexcept override { return gap_frames_; }
    std::span<std::byte> BeginBlock(uint32_t frames) noexcept override;
    void EndBlock(uint32_t frames) noexcept override;

    SharedRing ShareRing(bool unrestricted) override;
    [[nodiscard]] std::optional<uint32_t> NextPlace() const noexcept override;
    void SkipBlock(uint32_t frames) noexcept override;
    void SilenceAhead() noexcept override;

  private:
    bool JoinRunning(int64_t now_ns) noexcept;
    bool StartAnew(int64_t now_ns) noexcept;
    int64_t CardFrame(int64_t now_ns) noexcept;
    int AskCard(int64_t& card_frame) const noexcept;
    int64_t Forward(int64_t frames) noexcept;
    [[nodiscard]] uint32_t AheadFrames() const noexcept;
    [[nodiscard]] shm::RingRuns<std::byte> RunsAt(int64_t card_frame,
                                                  uint32_t frames) const noexcept;
    int64_t CopyToRing(std::span<const std::byte> frames) noexcept;
    bool WaitUntilPlayed() noexcept;
    void SkipTo(int64_t card_frame) noexcept;
    [[nodiscard]] bool MayBeOvertaken() const noexcept;
    void LeaveThePast() noexcept;
    void FillAhead() noexcept;
    void Recover(int error, int64_t now_ns) noexcept;
    void WaitAPeriod(int64_t now_ns) noexcept;
    void GoOn(int64_t now_ns) noexcept;
    void Fail() noexcept;
    int64_t WriteSilence(int64_t frames) noexcept;
    int64_t Write(std::span<const std::byte> frames) noexcept;
    void WritePending() noexcept;
    void LosePending() noexcept;
    void Lose(int64_t frames) noexcept;
    std::span<std::byte> FindInRing(uint32_t frames) noexcept;

    AlsaPcm pcm_;
    const uint32_t frame_bytes_;
    const uint32_t latency_frames_;
    CardClock clock_;

    // The audio thread's alone; frames of the card, if nothing else is said.
    int64_t written_ = 0;
    int64_t base_ = 0;
    bool is_skipping_ = false;    // the last block was a client's own
    bool is_silent_ = true;       // stopped, and nothing that was heard is in the ring
    int64_t prepared_ = 0;        // where the card was prepared last: its pointer is 0
    uint64_t rendered_ = 0;       // the device's, after the last that was rendered
    uint64_t last_position_ = 0;  // the device's
    uint64_t gap_frames_ = 0;
    uint32_t errors_ = 0;   // since a block went well
    bool is_down_ = false;  // could not be started anew: it says where it is, and is not
    std::atomic<bool> has_failed_{false};
    int64_t look_ns_ = 0;     // when the card was asked last, by the system's clock
    int64_t look_frame_ = 0;  // and where it was
    std::span<std::byte> ring_block_;    // the block that was begun, if it is in the ring
    snd_pcm_uframes_t ring_offset_ = 0;  // where
    std::span<const std::byte> pending_;  // of a block that the PCM did not take whole
};

}  // namespace shmd::device
