#include "audio/convert.h"

#include <gtest/gtest.h>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <ostream>
#include <string>
#include <vector>

namespace shmd::audio {

/** For the names of parameterised tests. */
static void PrintTo(SampleFormat format, std::ostream* out) {
    *out << FormatName(format);
}

namespace {

using enum SampleFormat;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInfinity = std::numeric_limits<float>::infinity();

struct IntegerFormat {
    SampleFormat format;
    int bits;
    bool big_endian;
};

void PrintTo(const IntegerFormat& format, std::ostream* out) {
    *out << FormatName(format.format);
}

constexpr IntegerFormat kIntegers[] = {
    {kU8, 8, false},     {kS8, 8, false},    {kS16Le, 16, false},   {kS16Be, 16, true},
    {kS24Le, 24, false}, {kS24Be, 24, true}, {kS24_3Le, 24, false}, {kS24_3Be, 24, true},
    {kS32Le, 32, false}, {kS32Be, 32, true},
};

/** The bytes of `value`, written without any help of the code under test. */
std::vector<std::byte> Encode(const IntegerFormat& format, int64_t value) {
    const auto word = static_cast<uint64_t>(format.format == kU8 ? value + 128 : value);
    const uint32_t size = SampleBytes(format.format);
    std::vector<std::byte> bytes(size);
    for (uint32_t i = 0; i < size; ++i)
        bytes[format.big_endian ? size - 1 - i : i] =
            static_cast<std::byte>(word >> (8 * i));
    return bytes;
}

std::vector<std::byte> Encode(const IntegerFormat& format,
                              const std::vector<int64_t>& values) {
    std::vector<std::byte> bytes;
    for (const int64_t value : values) {
        const auto one = Encode(format, value);
        bytes.insert(bytes.end(), one.begin(), one.end());
    }
    return bytes;
}

std::vector<float> Floats(SampleFormat format, const std::vector<std::byte>& bytes) {
    std::vector<float> floats(bytes.size() / SampleBytes(format));
    ToFloat(format, bytes, floats);
    return floats;
}

std::vector<std::byte> Bytes(SampleFormat format, const std::vector<float>& floats) {
    std::vector<std::byte> bytes(floats.size() * SampleBytes(format));
    FromFloat(format, floats, bytes);
    return bytes;
}

/** Every value up to 16 bits; above, both ends and a walk with an odd step. */
std::vector<int64_t> Values(int bits) {
    const int64_t full = int64_t{1} << (bits - 1);
    const int64_t step = bits <= 16 ? 1 : (full >> 15) - 1;
    std::vector<int64_t> values;
    for (int64_t value = -full; value < full; value += step)
        values.push_back(value);
    for (int64_t value = -5; value <= 5; ++value)
        values.push_back(value);
    values.push_back(full - 1);
    return values;
}

class IntegerConversion : public testing::TestWithParam<IntegerFormat> {
  protected:
    [[nodiscard]] int64_t Full() const { return int64_t{1} << (GetParam().bits - 1); }
};

INSTANTIATE_TEST_SUITE_P(AllFormats, IntegerConversion, testing::ValuesIn(kIntegers),
                         [](const auto& test) {
                             return std::string{FormatName(test.param.format)};
                         });

TEST_P(IntegerConversion, ScalesByTheFormatsFullRange) {
    const auto values = Values(GetParam().bits);
    const auto floats = Floats(GetParam().format, Encode(GetParam(), values));
    ASSERT_EQ(floats.size(), values.size());
    for (size_t i = 0; i < values.size(); ++i)
        ASSERT_EQ(floats[i], static_cast<float>(static_cast<double>(values[i]) /
                                                static_cast<double>(Full())));
}

TEST_P(IntegerConversion, GivesTheSameBitsBackAsFarAsAFloatCanHoldThem) {
    std::vector<int64_t> values;
    for (const int64_t value : Values(GetParam().bits))
        if (static_cast<int64_t>(static_cast<float>(value)) == value)
            values.push_back(value);
    ASSERT_GE(values.size(), 256U);
    const auto bytes = Encode(GetParam(), values);
    EXPECT_EQ(Bytes(GetParam().format, Floats(GetParam().format, bytes)), bytes);
}

TEST_P(IntegerConversion, SaturatesAtTheExactRangeOfTheFormat) {
    const std::vector<float> loud{1.0F, 1.5F, 3e38F, -1.0F, -1.5F, -3e38F};
    const int64_t most = Full() - 1;
    const auto expected = Encode(
        GetParam(), std::vector<int64_t>{most, most, most, -Full(), -Full(), -Full()});
    EXPECT_EQ(Bytes(GetParam().format, loud), expected);
}

TEST_P(IntegerConversion, RoundsToTheNearest) {
    const auto step = static_cast<float>(1.0 / static_cast<double>(Full()));
    const std::vector<float> between{0.4F * step,  0.6F * step,  -0.4F * step,
                                     -0.6F * step, 99.4F * step, -99.6F * step};
    const auto expected = Encode(GetParam(), std::vector<int64_t>{0, 1, 0, -1, 99, -100});
    EXPECT_EQ(Bytes(GetParam().format, between), expected);
}

TEST_P(IntegerConversion, MakesSilenceOfWhatIsNotFinite) {
    const std::vector<float> odd(20, kNan);
    const std::vector<float> loud{kInfinity, -kInfinity, kNan, -kNan};
    EXPECT_EQ(Bytes(GetParam().format, odd),
              Encode(GetParam(), std::vector<int64_t>(20, 0)));
    EXPECT_EQ(Bytes(GetParam().format, loud),
              Encode(GetParam(), std::vector<int64_t>(4, 0)));
}

TEST_P(IntegerConversion, WorksAtAnyAlignmentAndLength) {
    const auto all = Values(GetParam().bits);
    for (size_t count = 0; count < 40; ++count) {
        const std::vector<int64_t> values(all.begin(),
                                          all.begin() + static_cast<int>(count));
        auto bytes = Encode(GetParam(), values);
        const auto expected = Floats(GetParam().format, bytes);
        bytes.insert(bytes.begin(), std::byte{0x55});
        std::vector<float> floats(count);
        ToFloat(GetParam().format, std::span{bytes}.subspan(1), floats);
        ASSERT_EQ(floats, expected);
        auto back = std::vector<std::byte>(bytes.size(), std::byte{0x55});
        FromFloat(GetParam().format, floats, std::span{back}.subspan(1));
        ASSERT_EQ(Floats(GetParam().format, {back.begin() + 1, back.end()}), expected);
        ASSERT_EQ(back[0], std::byte{0x55});
    }
}

TEST(FromFloat, HoldsAnS32ToTheGreatestValueOnlyAtFullScale) {
    const IntegerFormat s32{kS32Le, 32, false};
    const std::vector<float> below{std::nextafter(1.0F, 0.0F)};
    EXPECT_EQ(Bytes(kS32Le, below), Encode(s32, int64_t{2147483520}));
}

TEST(FromFloat, WritesAnS24sSignIntoTheFourthByte) {
    const auto bytes = Bytes(kS24Le, {-1.0F, 0.5F});
    EXPECT_EQ(bytes[3], std::byte{0xFF});
    EXPECT_EQ(bytes[7], std::byte{0x00});
}

TEST(ToFloat, IgnoresTheFourthByteOfAnS24) {
    const std::vector<std::byte> bytes{std::byte{0}, std::byte{0}, std::byte{0x40},
                                       std::byte{0x5A}};
    EXPECT_EQ(Floats(kS24Le, bytes), std::vector<float>{0.5F});
    EXPECT_EQ(Floats(kS24Be, {bytes.rbegin(), bytes.rend()}), std::vector<float>{0.5F});
}

TEST(ToFloat, KeepsTheSumOfS16StreamsExact) {
    const IntegerFormat s16{kS16Le, 16, false};
    uint32_t random = 1;
    for (int round = 0; round < 20000; ++round) {
        int64_t sum = 0;
        float mix = 0;
        for (int stream = 0; stream < 8; ++stream) {
            random = random * 1664525 + 1013904223;
            const auto value = static_cast<int16_t>(random >> 16);
            sum += value;
            mix += Floats(kS16Le, Encode(s16, int64_t{value}))[0];
        }
        const int64_t saturated =
            std::min<int64_t>(std::max<int64_t>(sum, -32768), 32767);
        ASSERT_EQ(Bytes(kS16Le, {mix}), Encode(s16, saturated)) << sum;
    }
}

// --- floats -----------------------------------------------------------------------

/** The bytes of a float or double, in the order of the format. */
template <typename Bits, typename Real>
std::vector<std::byte> EncodeReal(Real value, bool big_endian) {
    const auto bits = std::bit_cast<Bits>(value);
    std::vector<std::byte> bytes(sizeof(Bits));
    for (size_t i = 0; i < sizeof(Bits); ++i)
        bytes[big_endian ? sizeof(Bits) - 1 - i : i] =
            static_cast<std::byte>(bits >> (8 * i));
    return bytes;
}

std::vector<std::byte> EncodeReal(SampleFormat format, double value) {
    const bool big_endian = format == kFloatBe || format == kFloat64Be;
    if (SampleBytes(format) == 8) return EncodeReal<uint64_t>(value, big_endian);
    return EncodeReal<uint32_t>(static_cast<float>(value), big_endian);
}

class FloatConversion : public testing::TestWithParam<SampleFormat> {};

INSTANTIATE_TEST_SUITE_P(AllFormats, FloatConversion,
                         testing::Values(kFloatLe, kFloatBe, kFloat64Le, kFloat64Be),
                         [](const auto& test) {
                             return std::string{FormatName(test.param)};
                         });

TEST_P(FloatConversion, KeepsFiniteValuesAsTheyAre) {
    const float least = std::numeric_limits<float>::denorm_min();
    for (const float value :
         {0.0F, -0.0F, 1.0F, -1.0F, 0.1F, 7.5F, kFloatMost, -kFloatMost, least}) {
        const auto bytes = EncodeReal(GetParam(), static_cast<double>(value));
        EXPECT_EQ(Floats(GetParam(), bytes)[0], value);
        EXPECT_EQ(Bytes(GetParam(), {value}), bytes);
    }
}

TEST_P(FloatConversion, ReadsNothingBeyondItsMostAndWritesAllThatIsFinite) {
    const float max = std::numeric_limits<float>::max();
    for (const float value : {std::nextafter(kFloatMost, max), 9.0F, 1e30F, max}) {
        const auto bytes = EncodeReal(GetParam(), static_cast<double>(value));
        EXPECT_EQ(Floats(GetParam(), bytes)[0], kFloatMost);
        EXPECT_EQ(Bytes(GetParam(), {value}), bytes);
        const auto negative = EncodeReal(GetParam(), -static_cast<double>(value));
        EXPECT_EQ(Floats(GetParam(), negative)[0], -kFloatMost);
    }
}

TEST_P(FloatConversion, MakesSilenceOfWhatIsNotFiniteBothWays) {
    for (const float value : {kNan, -kNan, kInfinity, -kInfinity}) {
        const auto bytes = EncodeReal(GetParam(), static_cast<double>(value));
        EXPECT_EQ(Floats(GetParam(), bytes)[0], 0.0F);
        EXPECT_EQ(Bytes(GetParam(), {value}), EncodeReal(GetParam(), 0.0));
    }
}

TEST_P(FloatConversion, TreatsWholeBlocksAndTheRestAlike) {
    for (size_t count = 0; count < 40; ++count) {
        std::vector<float> values(count);
        for (size_t i = 0; i < count; ++i)
            values[i] = (static_cast<float>(i) - 17.25F) / 4.0F;
        EXPECT_EQ(Floats(GetParam(), Bytes(GetParam(), values)), values);
    }
}

TEST(ToFloat, RoundsAFloat64ToTheNearestFloat) {
    EXPECT_EQ(Floats(kFloat64Le, EncodeReal(kFloat64Le, 0.1))[0], 0.1F);
}

TEST(ToFloat, HoldsAFloat64ThatExceedsAFloat) {
    EXPECT_EQ(Floats(kFloat64Le, EncodeReal(kFloat64Le, 1e300))[0], kFloatMost);
    EXPECT_EQ(Floats(kFloat64Be, EncodeReal(kFloat64Be, -1e300))[0], -kFloatMost);
}

}  // namespace
}  // namespace shmd::audio
