#pragma once

#include <cstdint>
#include <span>

namespace shmd::audio {

inline constexpr float kGainMax = 4.0F;

/**
 * A gain that moves to a new value in a straight line, so that a change does not click.
 *
 * A target that is set while a ramp runs starts a new ramp from where the gain is then.
 *
 * Thread: one at a time.
 */
class GainRamp {
  public:
    /**
     * @param gain         linear, held into 0 to kGainMax; NaN is 0
     * @param ramp_frames  how long a change takes; 0 changes at once
     */
    explicit GainRamp(float gain, uint32_t ramp_frames) noexcept;

    /** Go to `gain`: linear, held into 0 to kGainMax; NaN is 0. Realtime: yes. */
    void SetTarget(float gain) noexcept;

    /** Whether Apply would change nothing: gain and target are exactly 1. Realtime: yes.
     */
    [[nodiscard]] bool IsUnity() const noexcept {
        return remaining_frames_ == 0 && target_ == 1.0F;
    }

    /** Whether it does not move, and what it is then. Realtime: yes. */
    [[nodiscard]] bool IsSteady() const noexcept { return remaining_frames_ == 0; }
    [[nodiscard]] float Gain() const noexcept { return target_; }

    /**
     * Multiply `frames` in place by the gain, and move on along the ramp by as many
     * frames.
     *
     * @param frames    interleaved, a whole number of frames
     * @param channels  at least 1
     *
     * Realtime: yes.  Errors: none.
     */
    void Apply(std::span<float> frames, uint32_t channels) noexcept;

  private:
    [[nodiscard]] float Current() const noexcept;
    void ApplyRamp(std::span<float> frames, uint32_t channels) noexcept;

    uint32_t ramp_frames_;
    uint32_t remaining_frames_ = 0;
    float start_;
    float target_;
};

}  // namespace shmd::audio
