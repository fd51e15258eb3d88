#include "audio/simd.h"

#include "audio/convert.h"

#include <algorithm>
#include <bit>
#include <type_traits>

// Highway includes this file once for each target, from foreach_target.h.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "audio/simd.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace shmd::audio::simd {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::ScalableTag<float>;
using Words = hn::Rebind<int32_t, Floats>;
using Shorts = hn::Rebind<int16_t, Floats>;
using Bytes = hn::Rebind<uint8_t, Floats>;
using Vector = hn::Vec<Floats>;
using WordVector = hn::Vec<Words>;

// So many vectors at once hide the latency of an addition.
constexpr size_t kVectors = 4;

Vector SilenceUnlessFinite(Vector value) {
    // Times zero, infinity and NaN are NaN.
    const Vector zero = hn::Zero(Floats{});
    return hn::IfThenElseZero(hn::Eq(hn::Mul(value, zero), zero), value);
}

/** As RoundToInteger in convert.cc: to the nearest, ties away from zero. */
WordVector RoundToInteger(Vector value) {
    const Vector whole = hn::Trunc(value);
    const Vector rest = hn::Sub(value, whole);
    return hn::ConvertTo(Words{}, hn::Add(whole, hn::Trunc(hn::Add(rest, rest))));
}

WordVector ToInteger(Vector value, float full, float most) {
    const Floats floats;
    const Vector scaled = hn::Mul(SilenceUnlessFinite(value), hn::Set(floats, full));
    return RoundToInteger(
        hn::Min(hn::Max(scaled, hn::Set(floats, -full)), hn::Set(floats, most)));
}

// Each codec has the step of its integers, and their way in (as floats that are not
// multiplied by it yet) and out.

struct S16 {
    static constexpr size_t kBytes = 2;
    static constexpr float kFull = 32768.0F;
    static constexpr float kStep = 1 / kFull;
    static Vector Load(const std::byte* in) {
        const Shorts shorts;
        const auto* const from = reinterpret_cast<const int16_t*>(in);
        return hn::ConvertTo(Floats{}, hn::PromoteTo(Words{}, hn::LoadU(shorts, from)));
    }
    static void Store(Vector value, std::byte* out) {
        const Shorts shorts;
        hn::StoreU(hn::DemoteTo(shorts, ToInteger(value, kFull, kFull - 1)), shorts,
                   reinterpret_cast<int16_t*>(out));
    }
};

struct S24 {
    static constexpr size_t kBytes = 4;
    static constexpr float kFull = 8388608.0F;
    static constexpr float kStep = 1 / kFull;
    static Vector Load(const std::byte* in) {
        const auto* const from = reinterpret_cast<const int32_t*>(in);
        const WordVector word = hn::LoadU(Words{}, from);
        return hn::ConvertTo(Floats{}, hn::ShiftRight<8>(hn::ShiftLeft<8>(word)));
    }
    static void Store(Vector value, std::byte* out) {
        hn::StoreU(ToInteger(value, kFull, kFull - 1), Words{},
                   reinterpret_cast<int32_t*>(out));
    }
};

/** 24 bits in three bytes. */
struct S24Packed {
    static constexpr size_t kBytes = 3;
    static constexpr float kFull = S24::kFull;
    static constexpr float kStep = S24::kStep;
    static Vector Load(const std::byte* in) {
        const Bytes bytes;
        const hn::RebindToUnsigned<Words> words;
        hn::Vec<Bytes> low;
        hn::Vec<Bytes> middle;
        hn::Vec<Bytes> high;
        hn::LoadInterleaved3(bytes, reinterpret_cast<const uint8_t*>(in), low, middle,
                             high);
        const auto at_the_top =
            hn::Or(hn::Or(hn::ShiftLeft<8>(hn::PromoteTo(words, low)),
                          hn::ShiftLeft<16>(hn::PromoteTo(words, middle))),
                   hn::ShiftLeft<24>(hn::PromoteTo(words, high)));
        return hn::ConvertTo(Floats{},
                             hn::ShiftRight<8>(hn::BitCast(Words{}, at_the_top)));
    }
    static void Store(Vector value, std::byte* out) {
        const WordVector word = ToInteger(value, kFull, kFull - 1);
        hn::StoreInterleaved3(LowByte(word), LowByte(hn::ShiftRight<8>(word)),
                              LowByte(hn::ShiftRight<16>(word)), Bytes{},
                              reinterpret_cast<uint8_t*>(out));
    }

  private:
    static hn::Vec<Bytes> LowByte(WordVector word) {
        return hn::TruncateTo(Bytes{}, hn::BitCast(hn::RebindToUnsigned<Words>{}, word));
    }
};

struct S32 {
    static constexpr size_t kBytes = 4;
    static constexpr float kFull = 2147483648.0F;
    static constexpr float kBelowFull = 2147483520.0F;
    static constexpr float kStep = 1 / kFull;
    static Vector Load(const std::byte* in) {
        const auto* const from = reinterpret_cast<const int32_t*>(in);
        return hn::ConvertTo(Floats{}, hn::LoadU(Words{}, from));
    }
    static void Store(Vector value, std::byte* out) {
        const Vector one = hn::Set(Floats{}, 1.0F);
        const auto is_full = hn::Ge(SilenceUnlessFinite(value), one);
        const WordVector most = hn::Set(Words{}, INT32_MAX);
        const WordVector held = ToInteger(value, kFull, kBelowFull);
        hn::StoreU(hn::IfThenElse(hn::RebindMask(Words{}, is_full), most, held), Words{},
                   reinterpret_cast<int32_t*>(out));
    }
};

struct Float {
    static constexpr size_t kBytes = 4;
    static constexpr float kStep = 1;
    static Vector Load(const std::byte* in) {
        const Floats floats;
        const Vector value =
            SilenceUnlessFinite(hn::LoadU(floats, reinterpret_cast<const float*>(in)));
        return hn::Min(hn::Max(value, hn::Set(floats, -kFloatMost)),
                       hn::Set(floats, kFloatMost));
    }
    static void Store(Vector value, std::byte* out) {
        hn::StoreU(SilenceUnlessFinite(value), Floats{}, reinterpret_cast<float*>(out));
    }
};

template <typename Codec>
size_t LoadAll(const std::byte* in, float* out, size_t count) {
    const Floats floats;
    const size_t lanes = hn::Lanes(floats);
    const Vector step = hn::Set(floats, Codec::kStep);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes)
        hn::StoreU(hn::Mul(Codec::Load(in + i * Codec::kBytes), step), floats, out + i);
    return i;
}

template <typename Codec>
size_t StoreAll(const float* in, std::byte* out, size_t count) {
    const Floats floats;
    const size_t lanes = hn::Lanes(floats);
    size_t i = 0;
    for (; i + lanes <= count; i += lanes)
        Codec::Store(hn::LoadU(floats, in + i), out + i * Codec::kBytes);
    return i;
}

/** The same for what is not looked at before it is added. */
struct UncheckedFloat : Float {
    static Vector Load(const std::byte* in) {
        return hn::LoadU(Floats{}, reinterpret_cast<const float*>(in));
    }
};

/** One input's gain, for a codec's numbers. */
template <typename Codec>
class Scale {
  public:
    // The step is a power of two: as exact as one multiplication after the other.
    explicit Scale(float gain) : gain_{hn::Set(Floats{}, gain * Codec::kStep)} {}
    Vector Of(Vector value) const { return hn::Mul(value, gain_); }

  private:
    Vector gain_;
};

/** At unity gain there is nothing to multiply: the bits are the same. */
struct Unity {
    explicit Unity(float) {}
    static Vector Of(Vector value) { return value; }
};

/**
 * Sees whether floats are below 2.0, all of them, by their bits: those of any two have
 * the exponent's first bit if one of them has. 2.0 and more, infinity and NaN have it.
 */
class Moderate {
  public:
    Moderate() : seen_{hn::Zero(Floats{})} {}
    void Look(Vector a, Vector b, Vector c, Vector d) {
        seen_ = hn::Or3(seen_, hn::Or3(a, b, c), d);
    }
    [[nodiscard]] bool All() const {
        const WordVector first_bit = hn::Set(Words{}, 0x40000000);
        return hn::AllTrue(
            Words{},
            hn::Eq(hn::And(hn::BitCast(Words{}, seen_), first_bit), hn::Zero(Words{})));
    }

  private:
    static_assert(kFloatMost >= 2.0F, "what is below 2.0 is not held");
    Vector seen_;
};

/**
 * Add one block, kVectors wide and at sample `at`, of each of the inputs.
 * @return false, and nothing is added, if unchecked floats have to be looked at
 */
template <typename Codec, typename Gain = Scale<Codec>>
bool MixBlock(const MixInput* inputs, size_t count, float* mix, size_t at) {
    const Floats floats;
    const size_t lanes = hn::Lanes(floats);
    Vector sum0 = hn::LoadU(floats, mix + at);
    Vector sum1 = hn::LoadU(floats, mix + at + lanes);
    Vector sum2 = hn::LoadU(floats, mix + at + 2 * lanes);
    Vector sum3 = hn::LoadU(floats, mix + at + 3 * lanes);
    const size_t vector_bytes = lanes * Codec::kBytes;
    constexpr bool kIsUnchecked = std::is_same_v<Codec, UncheckedFloat>;
    [[maybe_unused]] Moderate moderate;
    for (size_t i = 0; i < count; ++i) {
        const std::byte* const in = inputs[i].samples + at * Codec::kBytes;
        const Gain gain{inputs[i].gain};
        const Vector value0 = Codec::Load(in);
        const Vector value1 = Codec::Load(in + vector_bytes);
        const Vector value2 = Codec::Load(in + 2 * vector_bytes);
        const Vector value3 = Codec::Load(in + 3 * vector_bytes);
        if constexpr (kIsUnchecked) moderate.Look(value0, value1, value2, value3);
        sum0 = hn::Add(sum0, gain.Of(value0));
        sum1 = hn::Add(sum1, gain.Of(value1));
        sum2 = hn::Add(sum2, gain.Of(value2));
        sum3 = hn::Add(sum3, gain.Of(value3));
    }
    if constexpr (kIsUnchecked)
        if (!moderate.All()) return false;
    hn::StoreU(sum0, floats, mix + at);
    hn::StoreU(sum1, floats, mix + at + lanes);
    hn::StoreU(sum2, floats, mix + at + 2 * lanes);
    hn::StoreU(sum3, floats, mix + at + 3 * lanes);
    return true;
}

template <typename Codec>
size_t MixBlocks(const MixInput* inputs, size_t count, float* mix, size_t samples) {
    const size_t block = kVectors * hn::Lanes(Floats{});
    size_t i = 0;
    for (; i + block <= samples; i += block)
        MixBlock<Codec>(inputs, count, mix, i);
    return i;
}

template <typename Codec>
size_t MixAll(Codec, const MixInput* inputs, size_t count, float* mix, size_t samples) {
    return MixBlocks<Codec>(inputs, count, mix, samples);
}

/** A stream with infinity, NaN, or what must be held spoils no sample but its own: only
 * then each is looked at. */
template <typename Gain>
size_t MixFloats(const MixInput* inputs, size_t count, float* mix, size_t samples) {
    const size_t block = kVectors * hn::Lanes(Floats{});
    size_t i = 0;
    for (; i + block <= samples; i += block)
        if (!MixBlock<UncheckedFloat, Gain>(inputs, count, mix, i))
            MixBlock<Float, Gain>(inputs, count, mix, i);
    return i;
}

size_t MixAll(Float, const MixInput* inputs, size_t count, float* mix, size_t samples) {
    const auto is_unity = [](const MixInput& input) { return input.gain == 1.0F; };
    return std::all_of(inputs, inputs + count, is_unity)
               ? MixFloats<Unity>(inputs, count, mix, samples)
               : MixFloats<Scale<Float>>(inputs, count, mix, samples);
}

WordVector LoadShorts(const std::byte* in) {
    const auto* const from = reinterpret_cast<const int16_t*>(in);
    return hn::PromoteTo(Words{}, hn::LoadU(Shorts{}, from));
}

// Where sums go: into words, or 16 bits.

struct ToWords {
    int32_t* out;
    void Store(size_t at, WordVector sum) const { hn::StoreU(sum, Words{}, out + at); }
};

struct ToShorts {
    int16_t* out;
    void Store(size_t at, WordVector sum) const {
        hn::StoreU(hn::DemoteTo(Shorts{}, sum), Shorts{}, out + at);
    }
};

/** One vector of `before`; silence if there is none. */
WordVector Before(const int32_t* before, size_t at) {
    const Words words;
    return before != nullptr ? hn::LoadU(words, before + at) : hn::Zero(words);
}

/** Sum one block, 2 * kVectors wide and at sample `at`, of each of the inputs. */
template <typename Out>
void SumBlock(const MixInput* inputs, size_t count, const int32_t* before, size_t at,
              Out out) {
    const size_t lanes = hn::Lanes(Words{});
    const size_t vector_bytes = lanes * S16::kBytes;
    WordVector sum0 = Before(before, at);
    WordVector sum1 = Before(before, at + lanes);
    WordVector sum2 = Before(before, at + 2 * lanes);
    WordVector sum3 = Before(before, at + 3 * lanes);
    WordVector sum4 = Before(before, at + 4 * lanes);
    WordVector sum5 = Before(before, at + 5 * lanes);
    WordVector sum6 = Before(before, at + 6 * lanes);
    WordVector sum7 = Before(before, at + 7 * lanes);
    for (const MixInput* input = inputs; input != inputs + count; ++input) {
        const std::byte* const in = input->samples + at * S16::kBytes;
        sum0 = hn::Add(sum0, LoadShorts(in));
        sum1 = hn::Add(sum1, LoadShorts(in + vector_bytes));
        sum2 = hn::Add(sum2, LoadShorts(in + 2 * vector_bytes));
        sum3 = hn::Add(sum3, LoadShorts(in + 3 * vector_bytes));
        sum4 = hn::Add(sum4, LoadShorts(in + 4 * vector_bytes));
        sum5 = hn::Add(sum5, LoadShorts(in + 5 * vector_bytes));
        sum6 = hn::Add(sum6, LoadShorts(in + 6 * vector_bytes));
        sum7 = hn::Add(sum7, LoadShorts(in + 7 * vector_bytes));
    }
    out.Store(at, sum0);
    out.Store(at + lanes, sum1);
    out.Store(at + 2 * lanes, sum2);
    out.Store(at + 3 * lanes, sum3);
    out.Store(at + 4 * lanes, sum4);
    out.Store(at + 5 * lanes, sum5);
    out.Store(at + 6 * lanes, sum6);
    out.Store(at + 7 * lanes, sum7);
}

template <typename Out>
void SumOneVector(const MixInput* inputs, size_t count, const int32_t* before, size_t at,
                  Out out) {
    WordVector sum = Before(before, at);
    for (const MixInput* input = inputs; input != inputs + count; ++input)
        sum = hn::Add(sum, LoadShorts(input->samples + at * S16::kBytes));
    out.Store(at, sum);
}

template <typename Out>
size_t SumAll(const MixInput* inputs, size_t count, const int32_t* before, size_t samples,
              Out out) {
    if (std::endian::native != std::endian::little) return 0;
    const size_t lanes = hn::Lanes(Words{});
    const size_t block = 2 * kVectors * lanes;
    size_t i = 0;
    for (; i + block <= samples; i += block)
        SumBlock(inputs, count, before, i, out);
    for (; i + lanes <= samples; i += lanes)
        SumOneVector(inputs, count, before, i, out);
    return i;
}

size_t SumS16(const MixInput* inputs, size_t count, const int32_t* before, int32_t* sum,
              size_t samples) {
    return SumAll(inputs, count, before, samples, ToWords{sum});
}

size_t StoreSumS16(const MixInput* inputs, size_t count, const int32_t* before,
                   std::byte* out, size_t samples) {
    return SumAll(inputs, count, before, samples,
                  ToShorts{reinterpret_cast<int16_t*>(out)});
}

size_t MixSum(const int32_t* sum, float* mix, size_t samples) {
    const Floats floats;
    const size_t lanes = hn::Lanes(floats);
    const Vector step = hn::Set(floats, S16::kStep);
    size_t i = 0;
    for (; i + lanes <= samples; i += lanes) {
        const Vector value = hn::ConvertTo(floats, hn::LoadU(Words{}, sum + i));
        hn::StoreU(hn::Add(hn::LoadU(floats, mix + i), hn::Mul(value, step)), floats,
                   mix + i);
    }
    return i;
}

/** `use` with the codec of `format`; 0 if there is none. */
template <typename Use>
size_t WithCodec(SampleFormat format, Use use) {
    // The codecs read and write little-endian words as they are.
    if (std::endian::native != std::endian::little) return 0;
    switch (format) {
        case SampleFormat::kS16Le:
            return use(S16{});
        case SampleFormat::kS24Le:
            return use(S24{});
        case SampleFormat::kS24_3Le:
            return use(S24Packed{});
        case SampleFormat::kS32Le:
            return use(S32{});
        case SampleFormat::kFloatLe:
            return use(Float{});
        default:
            return 0;
    }
}

size_t Load(SampleFormat format, const std::byte* in, float* out, size_t count) {
    return WithCodec(
        format, [=]<typename Codec>(Codec) { return LoadAll<Codec>(in, out, count); });
}

size_t Store(SampleFormat format, const float* in, std::byte* out, size_t count) {
    return WithCodec(
        format, [=]<typename Codec>(Codec) { return StoreAll<Codec>(in, out, count); });
}

size_t Mix(SampleFormat format, const MixInput* inputs, size_t count, float* mix,
           size_t samples) {
    return WithCodec(format, [=]<typename Codec>(Codec) {
        return MixAll(Codec{}, inputs, count, mix, samples);
    });
}

}  // namespace HWY_NAMESPACE
}  // namespace shmd::audio::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace shmd::audio::simd {

HWY_EXPORT(Load);
HWY_EXPORT(Store);
HWY_EXPORT(Mix);
HWY_EXPORT(SumS16);
HWY_EXPORT(MixSum);
HWY_EXPORT(StoreSumS16);

namespace {
const int32_t* OrNull(std::span<const int32_t> words) {
    return words.empty() ? nullptr : words.data();
}
}  // namespace

size_t Load(SampleFormat format, const std::byte* in, std::span<float> out) noexcept {
    return HWY_DYNAMIC_DISPATCH(Load)(format, in, out.data(), out.size());
}

size_t Store(SampleFormat format, std::span<const float> in, std::byte* out) noexcept {
    return HWY_DYNAMIC_DISPATCH(Store)(format, in.data(), out, in.size());
}

size_t Mix(SampleFormat format, std::span<const MixInput> inputs,
           std::span<float> mix) noexcept {
    return HWY_DYNAMIC_DISPATCH(Mix)(format, inputs.data(), inputs.size(), mix.data(),
                                     mix.size());
}

size_t SumS16(std::span<const MixInput> inputs, std::span<const int32_t> before,
              std::span<int32_t> sum) noexcept {
    return HWY_DYNAMIC_DISPATCH(SumS16)(inputs.data(), inputs.size(), OrNull(before),
                                        sum.data(), sum.size());
}

size_t MixSum(std::span<const int32_t> sum, std::span<float> mix) noexcept {
    return HWY_DYNAMIC_DISPATCH(MixSum)(sum.data(), mix.data(), mix.size());
}

size_t StoreSumS16(std::span<const MixInput> inputs, std::span<const int32_t> before,
                   std::span<std::byte> out) noexcept {
    return HWY_DYNAMIC_DISPATCH(StoreSumS16)(inputs.data(), inputs.size(), OrNull(before),
                                             out.data(), out.size() / 2);
}

}  // namespace shmd::audio::simd

#endif
