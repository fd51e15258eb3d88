#pragma once

#include "base/unique_fd.h"
#include "device/device.h"
#include "shm/mapping.h"
#include "tests/unit/render/tap_device.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

namespace shmd::session {

/**
 * A virtual card with a ring of its own that clients may write into (direct mode): a
 * memfd, and what is in it is played where the renderer skips a block. It keeps all that
 * was played. S16, stereo, 48 kHz.
 */
class RingDevice final : public device::Device {
  public:
    static constexpr uint32_t kRingFrames = 48000;
    static constexpr uint32_t kAheadFrames = 1440;

    /** Errors: std::system_error. */
    RingDevice();

    [[nodiscard]] const audio::StreamFormat& PlaybackFormat() const noexcept override {
        return tap_.PlaybackFormat();
    }
    [[nodiscard]] const audio::StreamFormat& CaptureFormat() const noexcept override {
        return tap_.CaptureFormat();
    }
    [[nodiscard]] uint32_t LeastCycleFrames() const noexcept override {
        return tap_.LeastCycleFrames();
    }
    [[nodiscard]] uint32_t MostCycleFrames() const noexcept override {
        return tap_.MostCycleFrames();
    }
    bool Start(int64_t now_ns) noexcept override { return tap_.Start(now_ns); }
    void Stop() noexcept override { tap_.Stop(); }
    bool Finish() override { return tap_.Finish(); }
    [[nodiscard]] uint64_t PositionFrames(int64_t now_ns) noexcept override {
        return tap_.PositionFrames(now_ns);
    }
    [[nodiscard]] int64_t TimeOfFrameNs(uint64_t frame) const noexcept override {
        return tap_.TimeOfFrameNs(frame);
    }
    std::span<std::byte> BeginBlock(uint32_t frames) noexcept override {
        return tap_.BeginBlock(frames);
    }
    void EndBlock(uint32_t frames) noexcept override;

    device::SharedRing ShareRing(bool unrestricted) override;
    [[nodiscard]] std::optional<uint32_t> NextPlace() const noexcept override;
    void SkipBlock(uint32_t frames) noexcept override;
    void SilenceAhead() noexcept override;

    /** From now on there is no memory to share it. */
    void FailToShare() noexcept { fails_to_share_ = true; }

    /** All frames since its creation. */
    [[nodiscard]] const std::vector<std::byte>& Played() const { return tap_.Played(); }

  private:
    static constexpr size_t kFrameBytes = 4;

    render::TapDevice tap_{{}};
    base::UniqueFd fd_;
    shm::Mapping ring_;
    uint64_t rendered_ = 0;
    std::atomic<bool> fails_to_share_{false};
};

}  // namespace shmd::session
