#include "audio/mix.h"

#include <cassert>
#include <cstddef>

namespace shmd::audio {
namespace {

// GCC 12 at -O2 vectorises only loops of a known length over memory that cannot overlap.
constexpr size_t kBlock = 16;

void AddBlock(float* __restrict out, const float* __restrict in) noexcept {
    for (size_t i = 0; i < kBlock; ++i)
        out[i] += in[i];
}

}  // namespace

void MixAdd(std::span<float> out, std::span<const float> in) noexcept {
    assert(in.size() == out.size());
    size_t i = 0;
    for (; i + kBlock <= out.size(); i += kBlock)
        AddBlock(out.data() + i, in.data() + i);
    for (; i < out.size(); ++i)
        out[i] += in[i];
}

}  // namespace shmd::audio
