#pragma once

#include "device/alsa_pcm.h"
#include "device/card_clock.h"
#include "device/device.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace shmd::device {

/**
 * A PCM that captures: a card's own ring, or any other PCM of alsa-lib.
 *
 * The position is what the card has captured since the start, by its own count: what it
 * has, can be taken. Frames that were lost because the server was late are left out of
 * the count (a gap).
 *
 *          read_          said_
 *     ───────┼───────────────┼─────────── card frames ─►
 *            └ to be taken ──┘ = position + base_
 *
 * It captures while it is started and not a moment longer: a microphone does not listen
 * to an empty room.
 */
class AlsaCapture final : public Device {
  public:
    /** Open it. Thread: loop. Errors: as OpenAlsaPcm. */
    explicit AlsaCapture(AlsaSpec spec);

    /** For the log, and for what goes beside alsa-lib to the card. Thread: any. */
    [[nodiscard]] std::string Description() const override { return pcm_.Description(); }
    [[nodiscard]] const AlsaSetup& Setup() const noexcept { return pcm_.Setup(); }

    [[nodiscard]] const audio::StreamFormat& PlaybackFormat() const noexcept override;
    [[nodiscard]] const audio::StreamFormat& CaptureFormat() const noexcept override;
    [[nodiscard]] bool HasPlayback() const noexcept override { return false; }
    [[nodiscard]] uint32_t LeastCycleFrames() const noexcept override;
    [[nodiscard]] uint32_t MostCycleFrames() const noexcept override;

    void Open() override { pcm_.Open(); }
    bool Close() override { return pcm_.Close(); }
    bool Finish() override;

    bool Start(int64_t now_ns) noexcept override;
    void Stop() noexcept override;
    [[nodiscard]] uint64_t PositionFrames(int64_t now_ns) noexcept override;
    /** When the card says so: for one that counts in periods, at the end of one. */
    [[nodiscard]] int64_t TimeOfFrameNs(uint64_t frame) const noexcept override;
    [[nodiscard]] bool HasFailed() const noexcept override { return has_failed_; }
    [[nodiscard]] uint64_t GapFrames() const noexcept override { return gap_frames_; }
    std::span<std::byte> BeginBlock(uint32_t frames) noexcept override;
    void EndBlock(uint32_t frames) noexcept override;
    void KeepCaptured(bool keep) noexcept override;
    std::span<const std::byte> CapturedBefore(uint64_t frame) noexcept override;

  private:
    bool StartAnew(int64_t now_ns) noexcept;
    void Look(int64_t now_ns) noexcept;
    void SkipOverrun() noexcept;
    void Recover(int error, int64_t now_ns) noexcept;
    void Fail() noexcept;
    void ReleaseRun() noexcept;
    std::span<const std::byte> FindInRing(snd_pcm_uframes_t frames) noexcept;
    std::span<const std::byte> Read(snd_pcm_uframes_t frames) noexcept;

    AlsaPcm pcm_;
    const uint32_t frame_bytes_;
    CardClock clock_;

    // The audio thread's alone; frames of the card, if nothing else is said.
    int64_t said_ = 0;  // by the card, at the last look
    int64_t read_ = 0;
    int64_t base_ = 0;
    int64_t look_ns_ = 0;
    uint64_t rendered_ = 0;       // the device's: the end of the last cycle
    uint64_t last_position_ = 0;  // the device's
    uint64_t gap_frames_ = 0;
    uint32_t errors_ = 0;   // since a look went well
    bool is_down_ = false;  // could not be started anew: it says where it is, and is not
    std::atomic<bool> has_failed_{false};
    bool keeps_ = false;
    snd_pcm_uframes_t ring_offset_ = 0;
    snd_pcm_uframes_t run_frames_ = 0;  // in the ring, given away by the last call
};

}  // namespace shmd::device
