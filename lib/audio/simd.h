#pragma once

#include "audio/format.h"
#include "audio/mix.h"

#include <cstddef>
#include <cstdint>
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
 * Add `inputs`, all of `format`, to a whole number of blocks of `mix`. The mix is read
 * and written once, however many inputs there are.
 * @return samples done; 0: no such format here
 */
size_t Mix(SampleFormat format, std::span<const MixInput> inputs,
           std::span<float> mix) noexcept;

/** SumS16, MixSum and StoreSumS16 of a whole number of blocks. @return samples done */
size_t SumS16(std::span<const MixInput> inputs, std::span<const int32_t> before,
              std::span<int32_t> sum) noexcept;
size_t MixSum(std::span<const int32_t> sum, std::span<float> mix) noexcept;
size_t StoreSumS16(std::span<const MixInput> inputs, std::span<const int32_t> before,
                   std::span<std::byte> out) noexcept;

}  // namespace shmd::audio::simd
