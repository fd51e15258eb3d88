#pragma once

#include "audio/format.h"

#include <cstddef>
#include <span>

namespace shmd::audio {

/**
 * What is read of a float sample at most, eight times full scale (+18 dB): 1e30 would
 * swallow all that is added to it. At this, and at kGainMax, 16 such streams leave each
 * bit of a 16-bit stream beside them: their sum is 512, and 2^-15 is 2^-24 of it.
 */
inline constexpr float kFloatMost = 8.0F;

/**
 * Samples of `format` as floats, full scale being -1.0 to just under 1.0.
 *
 * Integers are multiplied by 2^-(bits - 1): exact up to 24 bits, so that FromFloat gives
 * the same bits back; S32 is rounded to a float's 24 bits, FLOAT64 too. Floats are held
 * within kFloatMost of silence; NaN and infinity become 0.
 *
 * @param in   out.size() * SampleBytes(format) bytes, at any alignment
 * @param out  gets one float a sample; does not alias `in`
 *
 * Thread: any.  Realtime: yes.  Errors: none.
 */
void ToFloat(SampleFormat format, std::span<const std::byte> in,
             std::span<float> out) noexcept;

/**
 * Floats as samples of `format`.
 *
 * Integers are rounded to the nearest (ties away from zero) and saturate at the exact
 * range of the format; finite floats are kept as they are, in float formats also beyond
 * full scale. NaN and infinity become silence.
 *
 * @param in   in.size() samples
 * @param out  gets in.size() * SampleBytes(format) bytes, at any alignment; does not
 * alias `in`
 *
 * Thread: any.  Realtime: yes.  Errors: none.
 */
void FromFloat(SampleFormat format, std::span<const float> in,
               std::span<std::byte> out) noexcept;

}  // namespace shmd::audio
