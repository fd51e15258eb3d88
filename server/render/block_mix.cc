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

std::span<float> BlockMix::Floats() noexcept {
    if (!std::exchange(has_floats_, true)) std::fill_n(floats_.begin(), samples_, 0.0F);
    return std::span{floats_}.first(samples_);
}

std::span<int32_t> BlockMix::Sum() noexcept {
    if (!std::exchange(has_sum_, true)) std::fill_n(sum_.begin(), samples_, 0);
    return std::span{sum_}.first(samples_);
}

void BlockMix::Flush() noexcept {
    if (count_ > 0) AddTo(0, samples_, std::span{inputs_}.first(count_));
    count_ = 0;
}

void BlockMix::AddTo(size_t at, size_t samples,
                     std::span<const audio::MixInput> inputs) noexcept {
    if (is_summed_)
        audio::SumS16(inputs, Sum().subspan(at, samples));
    else
        audio::MixInputs(format_, inputs, Floats().subspan(at, samples));
}

void BlockMix::Store(SampleFormat format, std::span<std::byte> block) noexcept {
    Flush();
    if (has_sum_ && !has_floats_ && format == SampleFormat::kS16Le)
        return audio::StoreSum(Sum(), block);
    if (has_sum_) audio::MixSum(Sum(), Floats());
    audio::FromFloat(format, Floats(), block);
}

}  // namespace shmd::render
