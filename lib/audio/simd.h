#pragma once

#include "audio/format.h"
#include "audio/mix.h"

#include <algorithm>
#include <cstddef>
#include <span>

/**
 * The inner loops of a cycle, for each kind of processor, by Highway: what the processor
 * can is asked once. Each gives the same bits on all of them, and those of the scalar
 * code in convert.cc, which does what these leave.
 *
 * Thread: any.  Realtime: yes, after ChooseTarget() (simd_targets.h).  Errors: none.
 */
namespace shmd::audio::simd {

/** ToFloat of a whole number of blocks. @return samples done; 0: no such format here */
size_t Load(SampleFormat format, const std::byte* in, std::span<float> out) noexcept;

/** FromFloat of a whole number of blocks. @return samples done; 0: no such format here */
size_t Store(SampleFormat format, std::span<const float> in, std::byte* out) noexcept;

/**
 * Whether the inputs are added to each other first, and their sum to the mix: 16-bit
 * integers at unity gain, of which so many have a sum that is exact as a float.
 */
inline bool AreSummedFirst(SampleFormat format,
                           std::span<const MixInput> inputs) noexcept {
    constexpr size_t kMostSummed = 256;
    return format == SampleFormat::kS16Le && inputs.size() <= kMostSummed &&
           std::ranges::all_of(
               inputs, [](float gain) { return gain == 1.0F; }, &MixInput::gain);
}

/**
 * Add `inputs`, all of `format`, to a whole number of blocks of `mix`. The mix is read
 * and written once, however many inputs there are.
 * @return samples done; 0: no such format here
 */
size_t Mix(SampleFormat format, std::span<const MixInput> inputs,
           std::span<float> mix) noexcept;

}  // namespace shmd::audio::simd
