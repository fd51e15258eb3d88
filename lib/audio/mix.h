#pragma once

#include "audio/format.h"

#include <cstddef>
#include <span>

namespace shmd::audio {

/** Samples that are added to a mix: each times `gain`. */
struct MixInput {
    const std::byte* samples;
    float gain;  // linear, 0 to kGainMax
};

/**
 * Add `inputs` to `mix`: as ToFloat of each, times its gain, in their order. (S16 at
 * unity gain may be summed exactly first, and the sum added.)
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
 * Add `in` to `out`.
 *
 * @param out  samples; holds the mix so far
 * @param in   samples, as many as `out`, not aliasing it
 *
 * Thread: any.  Realtime: yes.  Errors: none.
 */
void MixAdd(std::span<float> out, std::span<const float> in) noexcept;

}  // namespace shmd::audio
