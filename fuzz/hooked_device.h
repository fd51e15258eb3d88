#pragma once

#include "device/virtual_device.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace shmd::fuzz {

/** A virtual device that has something done in the middle of a turn, and keeps what was
 * played. */
class HookedDevice final : public device::Device {
  public:
    /** @param in_turn  called wherever the renderer asks the device for something */
    HookedDevice(const device::DeviceSpec& spec, std::function<void()> in_turn)
        : device_{spec}, in_turn_{std::move(in_turn)} {}

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
        in_turn_();
        return device_.Start(now_ns);
    }
    void Stop() noexcept override { device_.Stop(); }
    bool Finish() override { return device_.Finish(); }
    [[nodiscard]] uint64_t PositionFrames(int64_t now_ns) noexcept override {
        in_turn_();
        return device_.PositionFrames(now_ns);
    }
    [[nodiscard]] int64_t TimeOfFrameNs(uint64_t frame) const noexcept override {
        in_turn_();
        return device_.TimeOfFrameNs(frame);
    }
    std::span<std::byte> BeginBlock(uint32_t frames) noexcept override {
        in_turn_();
        block_ = device_.BeginBlock(frames);
        return block_;
    }
    void EndBlock(uint32_t frames) noexcept override {
        played_.insert(played_.end(), block_.begin(), block_.end());
        device_.EndBlock(frames);
        in_turn_();
    }
    void KeepCaptured(bool keep) noexcept override { device_.KeepCaptured(keep); }
    std::span<const std::byte> CapturedBefore(uint64_t frame) noexcept override {
        in_turn_();
        return device_.CapturedBefore(frame);
    }

    /** All frames since its creation. */
    [[nodiscard]] const std::vector<std::byte>& Played() const noexcept {
        return played_;
    }

  private:
    device::VirtualDevice device_;
    std::function<void()> in_turn_;
    std::span<std::byte> block_;
    std::vector<std::byte> played_;
};

}  // namespace shmd::fuzz
