#include "audio/mix.h"

#include "audio/convert.h"
#include "audio/simd.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>

namespace shmd::audio {
namespace {

// GCC 12 at -O2 vectorises only loops of a known length over memory that cannot overlap.
constexpr size_t kBlock = 16;

constexpr size_t kChunk = 64;

constexpr size_t kS16Bytes = 2;
constexpr int32_t kLeastS16 = std::numeric_limits<int16_t>::min();
constexpr int32_t kMostS16 = std::numeric_limits<int16_t>::max();
constexpr float kFullS16 = 32768.0F;

void AddBlock(float* __restrict out, const float* __restrict in) noexcept {
    for (size_t i = 0; i < kBlock; ++i)
        out[i] += in[i];
}

/** By way of floats: what is left of a mix, or a format that has no loop of its own. */
void MixChunk(SampleFormat format, const std::byte* in, float gain,
              std::span<float> mix) noexcept {
    std::array<float, kChunk> chunk;
    assert(mix.size() <= chunk.size());
    const std::span floats = std::span{chunk}.first(mix.size());
    ToFloat(format, {in, mix.size() * SampleBytes(format)}, floats);
    for (size_t i = 0; i < mix.size(); ++i)
        mix[i] += floats[i] * gain;
}

/** A 16-bit sample, least byte first. */
int32_t LoadS16(const std::byte* in) noexcept {
    const auto word = static_cast<uint16_t>(std::to_integer<unsigned>(in[0]) |
                                            std::to_integer<unsigned>(in[1]) << 8);
    return static_cast<int16_t>(word);
}

int32_t SumAt(size_t i, std::span<const MixInput> inputs,
              std::span<const int32_t> before) noexcept {
    int32_t sum = before.empty() ? 0 : before[i];
    for (const MixInput& input : inputs)
        sum += LoadS16(input.samples + i * kS16Bytes);
    return sum;
}

void StoreS16(int32_t value, std::byte* out) noexcept {
    const auto word = static_cast<uint16_t>(std::clamp(value, kLeastS16, kMostS16));
    out[0] = static_cast<std::byte>(word & 0xFF);
    out[1] = static_cast<std::byte>(word >> 8);
}

}  // namespace

void MixInputs(SampleFormat format, std::span<const MixInput> inputs,
               std::span<float> mix) noexcept {
    for (size_t at = simd::Mix(format, inputs, mix); at < mix.size(); at += kChunk)
        for (const MixInput& input : inputs)
            MixChunk(format, input.samples + at * SampleBytes(format), input.gain,
                     mix.subspan(at, std::min(kChunk, mix.size() - at)));
}

void SumS16(std::span<const MixInput> inputs, std::span<const int32_t> before,
            std::span<int32_t> sum) noexcept {
    assert(before.empty() || before.size() == sum.size());
    for (size_t i = simd::SumS16(inputs, before, sum); i < sum.size(); ++i)
        sum[i] = SumAt(i, inputs, before);
}

void MixSum(std::span<const int32_t> sum, std::span<float> mix) noexcept {
    assert(sum.size() == mix.size());
    for (size_t i = simd::MixSum(sum, mix); i < mix.size(); ++i)
        mix[i] += static_cast<float>(sum[i]) / kFullS16;
}

void StoreSumS16(std::span<const MixInput> inputs, std::span<const int32_t> before,
                 std::span<std::byte> out) noexcept {
    const size_t samples = out.size() / kS16Bytes;
    assert(before.empty() || before.size() == samples);
    for (size_t i = simd::StoreSumS16(inputs, before, out); i < samples; ++i)
        StoreS16(SumAt(i, inputs, before), out.data() + i * kS16Bytes);
}

void MixAdd(std::span<float> out, std::span<const float> in) noexcept {
    assert(in.size() == out.size());
    size_t i = 0;
    for (; i + kBlock <= out.size(); i += kBlock)
        AddBlock(out.data() + i, in.data() + i);
    for (; i < out.size(); ++i)
        out[i] += in[i];
}

}  // namespace shmd::audio
