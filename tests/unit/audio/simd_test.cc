#include "audio/simd.h"

#include "audio/convert.h"
#include "audio/simd_targets.h"

#include <gtest/gtest.h>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <vector>

namespace shmd::audio {
namespace {

using enum SampleFormat;

// Not a whole number of any processor's blocks, so that the rest is tried too.
constexpr size_t kSamples = 1011;

/** On every kind of processor that this one can be. */
class SimdTest : public ::testing::TestWithParam<SampleFormat> {
  protected:
    ~SimdTest() override { simd::UseTarget(0); }

    /** Any bytes at all: also NaN, infinity, and what no integer of 24 bits is. */
    std::vector<std::byte> AnyBytes() {
        std::vector<std::byte> bytes(kSamples * SampleBytes(GetParam()));
        for (std::byte& byte : bytes)
            byte = static_cast<std::byte>(random_());
        return bytes;
    }

    /** Within full scale and beyond, on the steps of 16 bits, between them, and neither.
     */
    std::vector<float> AnyFloats() {
        std::uniform_int_distribution<int> steps{-3 * 32768, 3 * 32768};
        std::vector<float> floats(kSamples);
        for (float& value : floats)
            value = static_cast<float>(steps(random_)) / 65536.0F;
        floats[3] = std::nextafter(1.0F, 0.0F);
        floats[4] = -1.0F;
        floats[5] = 1.0F;
        floats[6] = NAN;
        floats[7] = INFINITY;
        floats[8] = -INFINITY;
        floats[9] = 3e38F;
        return floats;
    }

    /** What `compute` gives for each target: as bytes, since NaN is not equal to itself.
     */
    template <typename Compute>
    void ExpectTheSameOnAllTargets(Compute compute) {
        const auto bytes_of = [&] {
            const auto values = compute();
            std::vector<std::byte> bytes(values.size() * sizeof values[0]);
            std::memcpy(bytes.data(), values.data(), bytes.size());
            return bytes;
        };
        const std::vector<int64_t> targets = simd::Targets();
        ASSERT_FALSE(targets.empty());
        simd::UseTarget(targets.back());
        const auto expected = bytes_of();
        for (const int64_t target : targets) {
            simd::UseTarget(target);
            EXPECT_EQ(bytes_of(), expected) << "target " << target;
        }
    }

    std::mt19937 random_{1};
};

TEST_P(SimdTest, LoadsTheSameOnAllTargets) {
    const auto bytes = AnyBytes();
    ExpectTheSameOnAllTargets([&] {
        std::vector<float> floats(kSamples);
        ToFloat(GetParam(), bytes, floats);
        return floats;
    });
}

TEST_P(SimdTest, StoresTheSameOnAllTargets) {
    const auto floats = AnyFloats();
    ExpectTheSameOnAllTargets([&] {
        std::vector<std::byte> bytes(kSamples * SampleBytes(GetParam()));
        FromFloat(GetParam(), floats, bytes);
        return bytes;
    });
}

/** A block of one sample is none for any target: that is the scalar code. */
TEST_P(SimdTest, LoadsAsSampleBySample) {
    const auto bytes = AnyBytes();
    const size_t size = SampleBytes(GetParam());
    std::vector<float> floats(kSamples);
    ToFloat(GetParam(), bytes, floats);
    for (size_t i = 0; i < kSamples; ++i) {
        float one = 0;
        ToFloat(GetParam(), std::span{bytes}.subspan(i * size, size), {&one, 1});
        ASSERT_EQ(std::bit_cast<uint32_t>(floats[i]), std::bit_cast<uint32_t>(one)) << i;
    }
}

TEST_P(SimdTest, StoresAsSampleBySample) {
    const auto floats = AnyFloats();
    const size_t size = SampleBytes(GetParam());
    std::vector<std::byte> bytes(kSamples * size);
    FromFloat(GetParam(), floats, bytes);
    for (size_t i = 0; i < kSamples; ++i) {
        std::vector<std::byte> one(size);
        FromFloat(GetParam(), {&floats[i], 1}, one);
        ASSERT_EQ(std::memcmp(&bytes[i * size], one.data(), size), 0) << i;
    }
}

TEST_P(SimdTest, MixesAsOneStreamAfterTheOther) {
    std::vector<std::vector<std::byte>> streams;
    std::vector<MixInput> inputs;
    for (const float gain : {1.0F, 0.3F, 0.0F, 4.0F, 1.0F}) {
        streams.push_back(AnyBytes());
        inputs.push_back({streams.back().data(), gain});
    }
    const std::vector<float> before(kSamples, 0.125F);
    std::vector<float> expected = before;
    for (const MixInput& input : inputs) {
        std::vector<float> floats(kSamples);
        ToFloat(GetParam(), {input.samples, streams[0].size()}, floats);
        for (size_t i = 0; i < kSamples; ++i)
            expected[i] += floats[i] * input.gain;
    }
    for (const int64_t target : simd::Targets()) {
        simd::UseTarget(target);
        std::vector<float> mix = before;
        MixInputs(GetParam(), inputs, mix);
        ASSERT_EQ(std::memcmp(mix.data(), expected.data(), kSamples * sizeof(float)), 0)
            << "target " << target;
    }
}

/** The order of additions does not depend on the place, nor on the processor. */
TEST_P(SimdTest, MixesAsSampleBySample) {
    std::vector<std::vector<std::byte>> streams;
    std::vector<MixInput> inputs;
    for (size_t i = 0; i < 5; ++i) {
        streams.push_back(AnyBytes());
        inputs.push_back({streams.back().data(), 1.0F});
    }
    // Added to this, the order makes a difference.
    const std::vector<float> before(kSamples, 0.1F / 32768.0F);
    std::vector<float> expected = before;
    for (size_t i = 0; i < kSamples; ++i) {
        MixInputs(GetParam(), inputs, {&expected[i], 1});
        for (MixInput& input : inputs)
            input.samples += SampleBytes(GetParam());
    }
    for (size_t i = 0; i < inputs.size(); ++i)
        inputs[i].samples = streams[i].data();
    for (const int64_t target : simd::Targets()) {
        simd::UseTarget(target);
        std::vector<float> mix = before;
        MixInputs(GetParam(), inputs, mix);
        ASSERT_EQ(std::memcmp(mix.data(), expected.data(), kSamples * sizeof(float)), 0)
            << "target " << target;
    }
}

std::string NameOf(const ::testing::TestParamInfo<SampleFormat>& info) {
    return std::string{FormatName(info.param)};
}

INSTANTIATE_TEST_SUITE_P(Formats, SimdTest,
                         ::testing::Values(kU8, kS16Le, kS16Be, kS24Le, kS24_3Le, kS32Le,
                                           kFloatLe, kFloat64Le),
                         NameOf);

TEST(Simd, HasLoopsForTheUsualFormats) {
    simd::ChooseTarget();
    std::vector<std::byte> bytes(64 * 4);
    std::vector<float> floats(64);
    for (const SampleFormat format : {kS16Le, kS24Le, kS24_3Le, kS32Le, kFloatLe})
        EXPECT_EQ(simd::Load(format, bytes.data(), floats), 64U);
    EXPECT_EQ(simd::Load(kS16Be, bytes.data(), floats), 0U);
}

}  // namespace
}  // namespace shmd::audio
