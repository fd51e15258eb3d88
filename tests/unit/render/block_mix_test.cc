#include "render/block_mix.h"

#include "audio/convert.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace shmd::render {
namespace {

using audio::SampleFormat;
using enum audio::SampleFormat;

constexpr size_t kMostSamples = 400;
constexpr size_t kSamples = 374;

/** Streams on the steps of 16 bits, at gains that are powers of two: whichever way they
 * are added, the sum is exact. */
class BlockMixTest : public ::testing::TestWithParam<SampleFormat> {
  protected:
    void Begin() {
        mix_.Begin(kSamples);
        expected_.assign(kSamples, 0.0F);
    }

    /** @param split  the sample before which its ring ends */
    void Add(SampleFormat format, float gain, size_t split = kSamples) {
        std::uniform_int_distribution<int> steps{-20000, 20000};
        std::vector<float> floats(kSamples);
        std::ranges::generate(
            floats, [&] { return static_cast<float>(steps(random_)) / 32768.0F; });
        std::vector<std::byte>& bytes =
            streams_.emplace_back(kSamples * audio::SampleBytes(format));
        audio::FromFloat(format, floats, bytes);
        const std::span<const std::byte> all{bytes};
        const size_t end = split * audio::SampleBytes(format);
        mix_.Add(format, {all.first(end), all.subspan(end)}, gain);
        for (size_t i = 0; i < kSamples; ++i)
            expected_[i] += floats[i] * gain;
    }

    void AddByHand(float value) {
        for (float& sample : mix_.Floats())
            sample += value;
        for (float& sample : expected_)
            sample += value;
    }

    void ExpectStored(const std::string& what) {
        std::vector<std::byte> expected(kSamples * audio::SampleBytes(GetParam()));
        audio::FromFloat(GetParam(), expected_, expected);
        std::vector<std::byte> block(expected.size(), std::byte{0x55});
        mix_.Store(GetParam(), block);
        EXPECT_EQ(block, expected) << what;
        streams_.clear();
    }

  private:
    std::mt19937 random_{1};
    std::vector<std::vector<std::byte>> streams_;
    BlockMix mix_{kMostSamples};
    std::vector<float> expected_;
};

TEST_P(BlockMixTest, AddsAnyNumberOfStreamsOfOneFormat) {
    for (const SampleFormat format : {kS16Le, kS24_3Le, kS32Le, kFloatLe})
        for (const size_t count : {1U, 2U, 16U, 17U, 40U}) {
            Begin();
            for (size_t i = 0; i < count; ++i)
                Add(format, 1.0F);
            ExpectStored(std::to_string(count) + " of " +
                         std::string{audio::FormatName(format)});
        }
}

TEST_P(BlockMixTest, AddsStreamsOfSeveralFormatsAndGains) {
    Begin();
    for (const float gain : {1.0F, 0.5F, 1.0F, 1.0F, 2.0F})
        for (const SampleFormat format : {kS16Le, kFloatLe, kS16Le, kS16Be})
            Add(format, gain);
    ExpectStored("all");
}

TEST_P(BlockMixTest, AddsWhatLiesInTwoPieces) {
    for (const float gain : {1.0F, 0.5F}) {
        Begin();
        Add(kS16Le, gain);
        Add(kS16Le, gain, 2);
        Add(kFloatLe, gain, 300);
        Add(kS16Le, gain);
        ExpectStored("in pieces");
    }
}

TEST_P(BlockMixTest, AddsWhatIsAddedByHand) {
    Begin();
    AddByHand(0.25F);
    ExpectStored("alone");
    Begin();
    Add(kS16Le, 1.0F);
    AddByHand(0.25F);
    Add(kS16Le, 1.0F);
    ExpectStored("between others");
}

TEST_P(BlockMixTest, BeginsWithSilence) {
    Begin();
    Add(kS16Le, 1.0F);
    AddByHand(0.25F);
    ExpectStored("the block before");
    Begin();
    ExpectStored("nothing");
    Begin();
    Add(kS16Le, 1.0F);
    ExpectStored("a sum");
}

std::string NameOf(const ::testing::TestParamInfo<SampleFormat>& info) {
    return std::string{audio::FormatName(info.param)};
}

INSTANTIATE_TEST_SUITE_P(Devices, BlockMixTest,
                         ::testing::Values(kS16Le, kS32Le, kFloatLe), NameOf);

}  // namespace
}  // namespace shmd::render
