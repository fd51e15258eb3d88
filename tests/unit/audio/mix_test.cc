#include "audio/mix.h"

#include "audio/convert.h"
#include "audio/gain.h"
#include "audio/simd_targets.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <functional>
#include <limits>
#include <random>
#include <vector>

namespace shmd::audio {
namespace {

TEST(MixAdd, AddsEverySampleAtEveryLengthAndAlignment) {
    for (size_t offset = 0; offset < 4; ++offset) {
        for (size_t size = 0; size < 70; ++size) {
            std::vector<float> out(offset + size + 1);
            std::vector<float> in(offset + size + 1);
            for (size_t i = 0; i < out.size(); ++i) {
                out[i] = static_cast<float>(i);
                in[i] = 0.25F * static_cast<float>(i) + 1;
            }
            MixAdd(std::span{out}.subspan(offset, size),
                   std::span{in}.subspan(offset, size));
            for (size_t i = 0; i < out.size(); ++i) {
                const bool mixed = i >= offset && i < offset + size;
                const auto before = static_cast<float>(i);
                ASSERT_EQ(out[i], mixed ? before + in[i] : before) << i;
            }
        }
    }
}

/** 16 streams of huge floats, at the greatest gain, and a 16-bit one whose bits are all
 * there. */
TEST(MixInputs, LeavesOthersWholeBesideHugeFloats) {
    constexpr size_t kFrames = 1011;
    std::vector<std::vector<float>> huge;
    for (int i = 0; i < 16; ++i)
        huge.emplace_back(kFrames, (i % 2 == 0 ? 1.0F : -1.0F) * (i < 8 ? 1e30F : 3e38F));
    std::vector<float> victim(kFrames);
    for (size_t i = 0; i < kFrames; ++i)
        victim[i] = (static_cast<float>(i) - 500.0F) / 32768.0F;
    std::vector<MixInput> inputs;
    const auto add = [&](const std::vector<float>& samples, float gain) {
        inputs.push_back({std::as_bytes(std::span{samples}).data(), gain});
    };
    for (size_t i = 0; i < 8; ++i)
        add(huge[2 * i], kGainMax);
    add(victim, 1.0F);
    for (size_t i = 0; i < 8; ++i)
        add(huge[2 * i + 1], kGainMax);
    for (const int64_t target : simd::Targets()) {
        simd::UseTarget(target);
        std::vector<float> mix(kFrames);
        MixInputs(SampleFormat::kFloatLe, inputs, mix);
        EXPECT_EQ(mix, victim) << "target " << target;
    }
    simd::UseTarget(0);
}

// Not a whole number of any processor's blocks, so that the rest is tried too.
constexpr size_t kSamples = 1011;

/** 16-bit sums, on every kind of processor that this one can be. */
class Sum : public ::testing::TestWithParam<int64_t> {
  protected:
    Sum() { simd::UseTarget(GetParam()); }
    ~Sum() override { simd::UseTarget(0); }

    template <typename Word>
    std::vector<Word> Any(Word least, Word most) {
        std::uniform_int_distribution<int64_t> values{least, most};
        std::vector<Word> words(kSamples);
        std::ranges::generate(words, [&] { return static_cast<Word>(values(random_)); });
        words[1] = least;
        words[2] = most;
        return words;
    }

    std::mt19937 random_{1};
};

std::vector<std::byte> S16Bytes(const std::vector<int16_t>& words, size_t offset = 0) {
    std::vector<std::byte> bytes(offset);
    for (const int16_t word : words) {
        bytes.push_back(static_cast<std::byte>(word & 0xFF));
        bytes.push_back(static_cast<std::byte>(word >> 8 & 0xFF));
    }
    return bytes;
}

/** By way of floats. */
std::vector<std::byte> Stored(const std::vector<int32_t>& sum) {
    std::vector<float> mix(sum.size());
    MixSum(sum, mix);
    std::vector<std::byte> bytes(2 * sum.size());
    FromFloat(SampleFormat::kS16Le, mix, bytes);
    return bytes;
}

TEST_P(Sum, IsExactForAnyNumberOfStreamsAtAnyAlignment) {
    std::vector<int32_t> expected = Any<int32_t>(-100, 100);
    std::vector<int32_t> sum = expected;
    std::vector<std::vector<std::byte>> streams;
    for (const size_t count : {1U, 2U, 16U, 600U}) {
        std::vector<MixInput> inputs;
        streams.clear();
        for (size_t i = 0; i < count; ++i) {
            const auto words = Any<int16_t>(-32768, 32767);
            streams.push_back(S16Bytes(words, i % 5));
            inputs.push_back({streams.back().data() + i % 5, 0.5F});
            std::ranges::transform(expected, words, expected.begin(), std::plus<>{});
        }
        std::vector<std::byte> stored(2 * kSamples);
        StoreSumS16(inputs, sum, stored);
        SumS16(inputs, sum, sum);
        ASSERT_EQ(sum, expected) << count;
        ASSERT_EQ(stored, Stored(sum)) << count;
    }
}

TEST_P(Sum, BeginsWithSilenceWhateverIsThere) {
    const auto words = Any<int16_t>(-32768, 32767);
    const std::vector<int32_t> expected{words.begin(), words.end()};
    const std::vector<std::byte> bytes = S16Bytes(words);
    const MixInput input{bytes.data(), 1.0F};
    auto sum = Any<int32_t>(-100, 100);
    SumS16({&input, 1}, {}, sum);
    EXPECT_EQ(sum, expected);
    std::vector<std::byte> stored(2 * kSamples);
    StoreSumS16({&input, 1}, {}, stored);
    EXPECT_EQ(stored, bytes);
}

TEST_P(Sum, IsAddedToAMixInOneRounding) {
    const auto sum = Any<int32_t>(-(1 << 24), 1 << 24);
    std::vector<float> mix(kSamples, 0.1F);
    MixSum(sum, mix);
    for (size_t i = 0; i < kSamples; ++i)
        ASSERT_EQ(mix[i], 0.1F + static_cast<float>(sum[i]) / 32768.0F) << i;
}

TEST_P(Sum, IsStoredAsItsFloatsWouldBe) {
    for (const int32_t most :
         {300, 32768, 1 << 24, std::numeric_limits<int32_t>::max()}) {
        const auto sum = Any<int32_t>(-most, most);
        std::vector<std::byte> bytes(2 * kSamples);
        StoreSumS16({}, sum, bytes);
        ASSERT_EQ(bytes, Stored(sum)) << most;
    }
}

INSTANTIATE_TEST_SUITE_P(Targets, Sum, ::testing::ValuesIn(simd::Targets()));

}  // namespace
}  // namespace shmd::audio
