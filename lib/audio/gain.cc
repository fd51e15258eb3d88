#include "audio/gain.h"

#include <algorithm>
#include <cassert>
#include <cstddef>

namespace shmd::audio {
namespace {

float HoldInRange(float gain) noexcept {
    // Written so that NaN, which compares false, becomes 0.
    return gain > 0.0F ? std::min(gain, kGainMax) : 0.0F;
}

// GCC 12 at -O2 vectorises only loops of a known length.
constexpr size_t kBlock = 16;

void MultiplyBlock(float* samples, float gain) noexcept {
    for (size_t i = 0; i < kBlock; ++i)
        samples[i] *= gain;
}

void Multiply(std::span<float> samples, float gain) noexcept {
    size_t i = 0;
    for (; i + kBlock <= samples.size(); i += kBlock)
        MultiplyBlock(samples.data() + i, gain);
    for (; i < samples.size(); ++i)
        samples[i] *= gain;
}

}  // namespace

GainRamp::GainRamp(float gain, uint32_t ramp_frames) noexcept
    : ramp_frames_{ramp_frames}, start_{HoldInRange(gain)}, target_{start_} {}

void GainRamp::SetTarget(float gain) noexcept {
    const float target = HoldInRange(gain);
    if (target == target_) return;
    start_ = Current();
    target_ = target;
    remaining_frames_ = ramp_frames_;
}

void GainRamp::Apply(std::span<float> frames, uint32_t channels) noexcept {
    assert(channels > 0 && frames.size() % channels == 0);
    const size_t ramp = std::min<size_t>(remaining_frames_, frames.size() / channels);
    ApplyRamp(frames.first(ramp * channels), channels);
    const std::span<float> rest = frames.subspan(ramp * channels);
    if (target_ != 1.0F) Multiply(rest, target_);
}

float GainRamp::Current() const noexcept {
    if (remaining_frames_ == 0) return target_;
    const float left =
        static_cast<float>(remaining_frames_) / static_cast<float>(ramp_frames_);
    return target_ + (start_ - target_) * left;
}

void GainRamp::ApplyRamp(std::span<float> frames, uint32_t channels) noexcept {
    for (size_t i = 0; i < frames.size(); i += channels) {
        // From the frame's own place, not by adding steps: rounding does not pile up.
        --remaining_frames_;
        const float gain = Current();
        for (float& sample : frames.subspan(i, channels))
            sample *= gain;
    }
}

}  // namespace shmd::audio
