#include "audio/mix.h"

#include "audio/convert.h"
#include "audio/simd.h"

#include <algorithm>
#include <array>
#include <cassert>

namespace shmd::audio {
namespace {

// GCC 12 at -O2 vectorises only loops of a known length over memory that cannot overlap.
constexpr size_t kBlock = 16;

constexpr size_t kChunk = 64;

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

/** @param at  the sample of the inputs that the first of `mix` is for */
void MixChunks(SampleFormat format, std::span<const MixInput> inputs, size_t at,
               std::span<float> mix) noexcept {
    for (const MixInput& input : inputs)
        MixChunk(format, input.samples + at * SampleBytes(format), input.gain, mix);
}

void SumChunks(SampleFormat format, std::span<const MixInput> inputs, size_t at,
               std::span<float> mix) noexcept {
    std::array<float, kChunk> sum{};
    const std::span summed = std::span{sum}.first(mix.size());
    MixChunks(format, inputs, at, summed);
    MixAdd(mix, summed);
}

}  // namespace

void MixInputs(SampleFormat format, std::span<const MixInput> inputs,
               std::span<float> mix) noexcept {
    const auto mix_chunks = simd::AreSummedFirst(format, inputs) ? SumChunks : MixChunks;
    for (size_t at = simd::Mix(format, inputs, mix); at < mix.size(); at += kChunk)
        mix_chunks(format, inputs, at,
                   mix.subspan(at, std::min(kChunk, mix.size() - at)));
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
