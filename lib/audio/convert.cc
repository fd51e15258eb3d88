#include "audio/convert.h"

#include "audio/simd.h"

#include <bit>
#include <cassert>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <type_traits>

namespace shmd::audio {
namespace {

// Each codec is one sample's way in (Load) and out (Store). They have no branch that GCC
// and Clang cannot turn into a select, so that the loops below become SIMD code.

template <typename Word>
constexpr Word SwapBytes(Word word) noexcept {
    if constexpr (sizeof(Word) == 1) return word;
    if constexpr (sizeof(Word) == 2) return __builtin_bswap16(word);
    if constexpr (sizeof(Word) == 4) return __builtin_bswap32(word);
    if constexpr (sizeof(Word) == 8) return __builtin_bswap64(word);
}

template <typename Word, std::endian kOrder>
Word LoadWord(const std::byte* in) noexcept {
    Word word;
    std::memcpy(&word, in, sizeof(word));
    return kOrder == std::endian::native ? word : SwapBytes(word);
}

template <std::endian kOrder, typename Word>
void StoreWord(Word word, std::byte* out) noexcept {
    if (kOrder != std::endian::native) word = SwapBytes(word);
    std::memcpy(out, &word, sizeof(word));
}

/** `value`, or 0 if it is NaN or infinite. */
float SilenceUnlessFinite(float value) noexcept {
    constexpr uint32_t kExponent =
        0x7F800000;  // IEEE 754 binary32: all ones is not finite
    const auto bits = std::bit_cast<uint32_t>(value);
    return std::bit_cast<float>((bits & kExponent) == kExponent ? 0U : bits);
}

double SilenceUnlessFinite(double value) noexcept {
    return std::fabs(value) <= std::numeric_limits<double>::max() ? value : 0.0;
}

template <typename Real>
Real Hold(Real value, Real low, Real high) noexcept {
    const Real held = value < low ? low : value;
    return held > high ? high : held;
}

/** 2^-(bits - 1): the step of an integer format. */
template <int kBits>
constexpr float kStep = 1.0F / static_cast<float>(int64_t{1} << (kBits - 1));

/**
 * The nearest integer, ties away from zero. Independent of the rounding mode, and exact
 * on processors that compute in more than a float's precision, as adding 2^23 is not.
 * @pre |value| <= 2^31 - 128, or -2^31
 */
int32_t RoundToInteger(float value) noexcept {
    const auto whole = static_cast<int32_t>(value);
    const float rest = value - static_cast<float>(whole);
    return whole + static_cast<int32_t>(rest >= 0.5F) -
           static_cast<int32_t>(rest <= -0.5F);
}

/** A float as a saturated integer of kBits: 8, 16, 24 or 32. */
template <int kBits>
int32_t ToInteger(float value) noexcept {
    constexpr float kFull = static_cast<float>(int64_t{1} << (kBits - 1));
    const float scaled = SilenceUnlessFinite(value) * kFull;
    if constexpr (kBits <= 24) return RoundToInteger(Hold(scaled, -kFull, kFull - 1.0F));
    // The greatest S32 is no float: what would become more than it is set by hand, and
    // the conversion itself is held to the float below 2^31.
    constexpr float kBelowFull = 2147483520.0F;
    const int32_t held = RoundToInteger(Hold(scaled, -kFull, kBelowFull));
    return scaled >= kFull ? std::numeric_limits<int32_t>::max() : held;
}

struct U8 {
    static constexpr size_t kBytes = 1;
    static float Load(const std::byte* in) noexcept {
        return static_cast<float>(std::to_integer<int32_t>(*in) - 128) * kStep<8>;
    }
    static void Store(float value, std::byte* out) noexcept {
        *out = static_cast<std::byte>(ToInteger<8>(value) + 128);
    }
};

/** A signed integer that fills its word. */
template <typename Word, std::endian kOrder>
struct Integer {
    static constexpr size_t kBytes = sizeof(Word);
    static constexpr int kBits = 8 * sizeof(Word);
    static float Load(const std::byte* in) noexcept {
        const Word word = LoadWord<Word, kOrder>(in);
        return static_cast<float>(static_cast<std::make_signed_t<Word>>(word)) *
               kStep<kBits>;
    }
    static void Store(float value, std::byte* out) noexcept {
        StoreWord<kOrder>(static_cast<Word>(ToInteger<kBits>(value)), out);
    }
};

float FromLow24(uint32_t word) noexcept {
    return static_cast<float>(static_cast<int32_t>(word << 8) >> 8) * kStep<24>;
}

/** 24 bits in the low end of 32. */
template <std::endian kOrder>
struct S24In32 {
    static constexpr size_t kBytes = 4;
    static float Load(const std::byte* in) noexcept {
        return FromLow24(LoadWord<uint32_t, kOrder>(in));
    }
    static void Store(float value, std::byte* out) noexcept {
        StoreWord<kOrder>(static_cast<uint32_t>(ToInteger<24>(value)), out);
    }
};

/** 24 bits in three bytes. */
template <std::endian kOrder>
struct S24Packed {
    static constexpr size_t kBytes = 3;
    static constexpr size_t kLow = kOrder == std::endian::little ? 0 : 2;
    static constexpr size_t kHigh = 2 - kLow;
    static float Load(const std::byte* in) noexcept {
        return FromLow24(std::to_integer<uint32_t>(in[kLow]) |
                         std::to_integer<uint32_t>(in[1]) << 8 |
                         std::to_integer<uint32_t>(in[kHigh]) << 16);
    }
    static void Store(float value, std::byte* out) noexcept {
        const auto word = static_cast<uint32_t>(ToInteger<24>(value));
        out[kLow] = static_cast<std::byte>(word & 0xFF);
        out[1] = static_cast<std::byte>(word >> 8 & 0xFF);
        out[kHigh] = static_cast<std::byte>(word >> 16 & 0xFF);
    }
};

template <std::endian kOrder>
struct Float32 {
    static constexpr size_t kBytes = 4;
    static float Load(const std::byte* in) noexcept {
        const auto value = std::bit_cast<float>(LoadWord<uint32_t, kOrder>(in));
        return Hold(SilenceUnlessFinite(value), -kFloatMost, kFloatMost);
    }
    static void Store(float value, std::byte* out) noexcept {
        StoreWord<kOrder>(std::bit_cast<uint32_t>(SilenceUnlessFinite(value)), out);
    }
};

template <std::endian kOrder>
struct Float64 {
    static constexpr size_t kBytes = 8;
    static float Load(const std::byte* in) noexcept {
        constexpr double kMost = kFloatMost;
        const auto value = std::bit_cast<double>(LoadWord<uint64_t, kOrder>(in));
        return static_cast<float>(Hold(SilenceUnlessFinite(value), -kMost, kMost));
    }
    static void Store(float value, std::byte* out) noexcept {
        const double wide = SilenceUnlessFinite(value);
        StoreWord<kOrder>(std::bit_cast<uint64_t>(wide), out);
    }
};

// GCC 12 at -O2 vectorises only loops of a known length over memory that cannot overlap.
constexpr size_t kBlock = 16;

template <typename Codec>
void LoadBlock(const std::byte* __restrict in, float* __restrict out) noexcept {
    for (size_t i = 0; i < kBlock; ++i)
        out[i] = Codec::Load(in + i * Codec::kBytes);
}

template <typename Codec>
void StoreBlock(const float* __restrict in, std::byte* __restrict out) noexcept {
    for (size_t i = 0; i < kBlock; ++i)
        Codec::Store(in[i], out + i * Codec::kBytes);
}

template <typename Codec>
void LoadAll(const std::byte* in, std::span<float> out) noexcept {
    size_t i = 0;
    for (; i + kBlock <= out.size(); i += kBlock)
        LoadBlock<Codec>(in + i * Codec::kBytes, out.data() + i);
    for (; i < out.size(); ++i)
        out[i] = Codec::Load(in + i * Codec::kBytes);
}

template <typename Codec>
void StoreAll(std::span<const float> in, std::byte* out) noexcept {
    size_t i = 0;
    for (; i + kBlock <= in.size(); i += kBlock)
        StoreBlock<Codec>(in.data() + i, out + i * Codec::kBytes);
    for (; i < in.size(); ++i)
        Codec::Store(in[i], out + i * Codec::kBytes);
}

constexpr auto kLittle = std::endian::little;
constexpr auto kBig = std::endian::big;

/** Call `use` with the codec of `format`. */
template <typename Use>
void WithCodec(SampleFormat format, Use use) noexcept {
    switch (format) {
        case SampleFormat::kU8:
            return use(U8{});
        case SampleFormat::kS8:
            return use(Integer<uint8_t, kLittle>{});
        case SampleFormat::kS16Le:
            return use(Integer<uint16_t, kLittle>{});
        case SampleFormat::kS16Be:
            return use(Integer<uint16_t, kBig>{});
        case SampleFormat::kS24Le:
            return use(S24In32<kLittle>{});
        case SampleFormat::kS24Be:
            return use(S24In32<kBig>{});
        case SampleFormat::kS24_3Le:
            return use(S24Packed<kLittle>{});
        case SampleFormat::kS24_3Be:
            return use(S24Packed<kBig>{});
        case SampleFormat::kS32Le:
            return use(Integer<uint32_t, kLittle>{});
        case SampleFormat::kS32Be:
            return use(Integer<uint32_t, kBig>{});
        case SampleFormat::kFloatLe:
            return use(Float32<kLittle>{});
        case SampleFormat::kFloatBe:
            return use(Float32<kBig>{});
        case SampleFormat::kFloat64Le:
            return use(Float64<kLittle>{});
        case SampleFormat::kFloat64Be:
            return use(Float64<kBig>{});
    }
}

}  // namespace

void ToFloat(SampleFormat format, std::span<const std::byte> in,
             std::span<float> out) noexcept {
    assert(in.size() == out.size() * SampleBytes(format));
    const size_t done = simd::Load(format, in.data(), out);
    WithCodec(format, [&]<typename Codec>(Codec) {
        LoadAll<Codec>(in.data() + done * Codec::kBytes, out.subspan(done));
    });
}

void FromFloat(SampleFormat format, std::span<const float> in,
               std::span<std::byte> out) noexcept {
    assert(out.size() == in.size() * SampleBytes(format));
    const size_t done = simd::Store(format, in, out.data());
    WithCodec(format, [&]<typename Codec>(Codec) {
        StoreAll<Codec>(in.subspan(done), out.data() + done * Codec::kBytes);
    });
}

}  // namespace shmd::audio
