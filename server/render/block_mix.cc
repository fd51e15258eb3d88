#include "render/block_mix.h"

#include "audio/convert.h"

#include <algorithm>
#include <utility>

namespace shmd::render {

using audio::SampleFormat;

void BlockMix::Begin(size_t samples) noexcept {
    samples_ = samples;
    has_floats_ = has_sum_ = false;
    count_ = 0;
}

void BlockMix::Collect(SampleFormat format, bool is_summed) noexcept {
    Flush();
    format_ = format;
    is_summed_ = is_summed;
}

void BlockMix::AddBoth(const shm::RingRuns<const std::byte>& runs, float gain) noexcept {
    const size_t at = runs.first.size() / audio::SampleBytes(format_);
    const audio::MixInput begin{runs.first.data(), gain};
    const audio::MixInput rest{runs.second.data(), gain};
    AddTo(0, at, {&begin, 1});
    AddTo(at, samples_ - at, {&rest, 1});
}

void BlockMix::AddTo(size_t at, size_t samples,
                     std::span<const audio::MixInput> inputs) noexcept {
    if (!is_summed_)
        return audio::MixInputs(format_, inputs, Floats().subspan(at, samples));
    const std::span sum = Sum().subspan(at, samples);
    audio::SumS16(inputs, sum, sum);
}

std::span<float> BlockMix::Floats() noexcept {
    if (!std::exchange(has_floats_, true)) std::fill_n(floats_.begin(), samples_, 0.0F);
    return std::span{floats_}.first(samples_);
}

std::span<int32_t> BlockMix::Sum() noexcept {
    if (!std::exchange(has_sum_, true)) std::fill_n(sum_.begin(), samples_, 0);
    return std::span{sum_}.first(samples_);
}

std::span<const int32_t> BlockMix::SumSoFar() const noexcept {
    return std::span{sum_}.first(has_sum_ ? samples_ : 0);
}

void BlockMix::Flush() noexcept {
    const std::span inputs = std::span{inputs_}.first(std::exchange(count_, 0));
    if (inputs.empty()) return;
    if (!is_summed_) return audio::MixInputs(format_, inputs, Floats());
    audio::SumS16(inputs, SumSoFar(), std::span{sum_}.first(samples_));
    has_sum_ = true;
}

void BlockMix::Store(SampleFormat format, std::span<std::byte> block) noexcept {
    const bool all_is_summed = !has_floats_ && (count_ == 0 || is_summed_);
    if (all_is_summed && format == SampleFormat::kS16Le)
        return audio::StoreSumS16(std::span{inputs_}.first(count_), SumSoFar(), block);
    Flush();
    if (has_sum_) audio::MixSum(Sum(), Floats());
    audio::FromFloat(format, Floats(), block);
}

}  // namespace shmd::render
