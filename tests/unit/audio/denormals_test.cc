#include "audio/denormals.h"

#include "audio/convert.h"
#include "audio/gain.h"
#include "audio/mix.h"
#include "audio/resample.h"

#include <gtest/gtest.h>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <thread>
#include <vector>

namespace shmd::audio {
namespace {

constexpr size_t kSamples = 2022;

/** What `make` makes on a thread that flushes denormals. */
std::vector<std::byte> OnAFlushingThread(
    const std::function<std::vector<std::byte>()>& make) {
    std::vector<std::byte> made;
    std::thread{[&] {
        FlushDenormals();
        made = make();
    }}.join();
    return made;
}

/** Noise in `format`, within full scale. */
std::vector<std::byte> Noise(SampleFormat format, unsigned seed) {
    std::mt19937 random{seed};
    std::uniform_real_distribution<float> values{-1.0F, 1.0F};
    std::vector<float> floats(kSamples);
    for (float& value : floats)
        value = values(random);
    std::vector<std::byte> bytes(kSamples * SampleBytes(format));
    FromFloat(format, floats, bytes);
    return bytes;
}

std::vector<std::byte> BytesOf(const std::vector<float>& floats) {
    const auto bytes = std::as_bytes(std::span{floats});
    return {bytes.begin(), bytes.end()};
}

/** Three streams of noise in stereo: mixed, at another rate, and with a gain. */
std::vector<std::byte> MixedAndResampled(SampleFormat format) {
    std::vector<std::vector<std::byte>> streams;
    std::vector<MixInput> inputs;
    for (const float gain : {1.0F, 0.3F, 4.0F}) {
        streams.push_back(Noise(format, static_cast<unsigned>(streams.size())));
        inputs.push_back({streams.back().data(), gain});
    }
    std::vector<float> mix(kSamples);
    MixInputs(format, inputs, mix);
    std::vector<float> out(kSamples);
    Resampler resampler{44100, 48000, 2};
    resampler.Process(mix, out);
    GainRamp ramp{0.7F, 100};
    ramp.SetTarget(0.1F);
    ramp.Apply(out, 2);
    return BytesOf(out);
}

class Denormals : public ::testing::TestWithParam<uint8_t> {};

TEST_P(Denormals, FlushedChangeNoBitOfOrdinaryResults) {
    const SampleFormat format = FindFormat(GetParam()).value();
    const auto make = [format] { return MixedAndResampled(format); };
    EXPECT_EQ(OnAFlushingThread(make), make());
}

INSTANTIATE_TEST_SUITE_P(AllFormats, Denormals,
                         ::testing::Range(uint8_t{1}, uint8_t{kFormatCount + 1}));

TEST(FlushDenormals, MakesSilenceOfThemWhenTheyAreMixed) {
    const std::vector<float> least(kSamples, std::numeric_limits<float>::denorm_min());
    const auto mixed = OnAFlushingThread([&] {
        const MixInput input{std::as_bytes(std::span{least}).data(), 1.0F};
        std::vector<float> mix(kSamples);
        MixInputs(SampleFormat::kFloatLe, {&input, 1}, mix);
        return BytesOf(mix);
    });
    EXPECT_EQ(mixed, BytesOf(std::vector<float>(kSamples)));
}

}  // namespace
}  // namespace shmd::audio
