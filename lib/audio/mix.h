#pragma once

#include "audio/format.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace shmd::audio {

/** Samples that are added to a mix: each times `gain`. */
struct MixInput {
    const std::byte* samples;
    float gain;  // linear, 0 to kGainMax
};

/**
 * Add `inputs` to `mix`: as ToFloat of each, times its gain, in their order.
 *
 * @param format  of all inputs
 * @param inputs  each mix.size() * SampleBytes(format) bytes, at any alignment, not
 *                aliasing the mix
 * @param mix     samples; holds the mix so far
 *
 * Thread: any.  Realtime: yes.  Errors: none.
 */
void MixInputs(SampleFormat format, std::span<const MixInput> inputs,
               std::span<float> mix) noexcept;

/**
 * The sum of `before` and `inputs`, S16_LE at unity gain whatever theirs says: in steps
 * of that format, and exactly, while it is one of 65,536 streams at most.
 *
 * @param inputs  each sum.size() * 2 bytes, at any alignment, not aliasing the sum
 * @param before  another sum, or the same; or nothing, which is silence
 *
 * Thread: any.  Realtime: yes.  Errors: none.
 */
void SumS16(std::span<const MixInput> inputs, std::span<const int32_t> before,
            std::span<int32_t> sum) noexcept;

/**
 * Add a sum of SumS16 to `mix`: one rounding in all. As many samples, not aliasing it.
 * Thread: any.  Realtime: yes.  Errors: none.
 */
void MixSum(std::span<const int32_t> sum, std::span<float> mix) noexcept;

/**
 * SumS16 in S16_LE, held to full scale: what MixSum and FromFloat would make of it.
 *
 * @param inputs  or none
 * @param out     2 bytes a sample, at any alignment, not aliasing what is read
 *
 * Thread: any.  Realtime: yes.  Errors: none.
 */
void StoreSumS16(std::span<const MixInput> inputs, std::span<const int32_t> before,
                 std::span<std::byte> out) noexcept;

/**
 * Add `in` to `out`.
 *
 * @param out  samples; holds the mix so far
 * @param in   samples, as many as `out`, not aliasing it
 *
 * Thread: any.  Realtime: yes.  Errors: none.
 */
void MixAdd(std::span<float> out, std::span<const float> in) noexcept;

}  // namespace shmd::audio
