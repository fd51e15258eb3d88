#pragma once

#include "device/virtual_device.h"

#include <functional>
#include <vector>

namespace shmd::render {

/** A virtual device that keeps all that was played on it. */
class TapDevice final : public device::Device {
  public:
    explicit TapDevice(const device::DeviceSpec& spec) : device_{spec} {}

    [[nodiscard]] const audio::StreamFormat& PlaybackFormat() const noexcept override {
        return device_.PlaybackFormat();
    }
    [[nodiscard]] const audio::StreamFormat& CaptureFormat() const noexcept override {
        return device_.CaptureFormat();
    }
    [[nodiscard]] uint32_t LeastCycleFrames() const noexcept override {
        return device_.LeastCycleFrames();
    }
    [[nodiscard]] uint32_t MostCycleFrames() const noexcept override {
        return device_.MostCycleFrames();
    }
    [[nodiscard]] uint32_t GraceFrames() const noexcept override {
        return device_.GraceFrames();
    }
    bool Start(int64_t now_ns) noexcept override {
        return !is_closed_ && !has_failed_ && device_.Start(now_ns);
    }
    [[nodiscard]] bool HasFailed() const noexcept override { return has_failed_; }
    void Stop() noexcept override {
        device_.Stop();
        rests_until_ns_ = rest_ns_;
    }
    int64_t Rest(int64_t now_ns) noexcept override {
        if (now_ns >= rests_until_ns_) rests_until_ns_ = base::kNever;
        return rests_until_ns_;
    }
    bool Close() override { return !on_close_ || on_close_(); }
    bool Finish() override { return device_.Finish(); }
    [[nodiscard]] uint64_t PositionFrames(int64_t now_ns) noexcept override {
        return device_.PositionFrames(now_ns);
    }
    [[nodiscard]] int64_t TimeOfFrameNs(uint64_t frame) const noexcept override {
        return device_.TimeOfFrameNs(frame);
    }
    std::span<std::byte> BeginBlock(uint32_t frames) noexcept override {
        if (on_block_) on_block_();
        block_ = device_.BeginBlock(frames);
        return block_;
    }
    void KeepCaptured(bool keep) noexcept override { device_.KeepCaptured(keep); }
    std::span<const std::byte> CapturedBefore(uint64_t frame) noexcept override {
        return device_.CapturedBefore(frame);
    }
    void EndBlock(uint32_t frames) noexcept override {
        if (keeps_) played_.insert(played_.end(), block_.begin(), block_.end());
        device_.EndBlock(frames);
    }

    /** All frames since its creation. */
    [[nodiscard]] const std::vector<std::byte>& Played() const { return played_; }

    /** Do not keep what is played from here on (nor allocate for it). */
    void StopKeeping() { keeps_ = false; }

    /** It cannot start until it is open again. */
    void SetClosed(bool is_closed) { is_closed_ = is_closed; }
    /** It is gone for good. */
    void Fail() { has_failed_ = true; }

    /** From the next stop on, rest until `time_ns`. */
    void RestUntil(int64_t time_ns) { rest_ns_ = time_ns; }

    /** What Close answers. */
    void OnClose(std::function<bool()> on_close) { on_close_ = std::move(on_close); }

    /** Do this before each block, on the audio thread, after the commands were read. */
    void OnBlock(std::function<void()> on_block) { on_block_ = std::move(on_block); }

  private:
    device::VirtualDevice device_;
    std::span<std::byte> block_;
    std::vector<std::byte> played_;
    bool keeps_ = true;
    bool is_closed_ = false;
    bool has_failed_ = false;
    int64_t rest_ns_ = base::kNever;
    int64_t rests_until_ns_ = base::kNever;
    std::function<void()> on_block_;
    std::function<bool()> on_close_;
};

}  // namespace shmd::render
