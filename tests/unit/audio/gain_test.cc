#include "audio/gain.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace shmd::audio {
namespace {

/** What the gain is in the next `frames` frames, taken in blocks of `block` frames. */
std::vector<float> Gains(GainRamp& ramp, size_t frames, size_t block,
                         uint32_t channels = 1) {
    std::vector<float> ones(frames * channels, 1.0F);
    for (size_t at = 0; at < frames; at += block) {
        const size_t now = std::min(block, frames - at);
        ramp.Apply(std::span{ones}.subspan(at * channels, now * channels), channels);
    }
    return ones;
}

TEST(GainRamp, IsConstantUntilATargetIsSet) {
    GainRamp ramp{0.5F, 100};
    for (const float gain : Gains(ramp, 50, 7))
        ASSERT_EQ(gain, 0.5F);
}

TEST(GainRamp, ReachesItsTargetExactlyAfterTheRampAndStays) {
    GainRamp ramp{0.0F, 100};
    ramp.SetTarget(0.7F);
    const auto gains = Gains(ramp, 200, 64);
    EXPECT_LT(gains[98], 0.7F);
    for (size_t i = 99; i < gains.size(); ++i)
        ASSERT_EQ(gains[i], 0.7F) << i;
}

TEST(GainRamp, MovesInAStraightLine) {
    GainRamp ramp{0.25F, 480};
    ramp.SetTarget(1.0F);
    const auto gains = Gains(ramp, 480, 480);
    for (size_t i = 0; i < gains.size(); ++i)
        ASSERT_NEAR(gains[i], 0.25 + 0.75 * static_cast<double>(i + 1) / 480, 1e-6) << i;
}

TEST(GainRamp, DoesNotDependOnTheSizeOfTheBlocks) {
    GainRamp whole{1.0F, 1000};
    GainRamp pieces{1.0F, 1000};
    whole.SetTarget(0.0F);
    pieces.SetTarget(0.0F);
    EXPECT_EQ(Gains(whole, 1500, 1500), Gains(pieces, 1500, 17));
}

TEST(GainRamp, NeverJumpsWhenTheTargetChangesDuringARamp) {
    GainRamp ramp{1.0F, 100};
    float last = 1.0F;
    for (const float target : {0.0F, 4.0F, 0.5F, 1.0F}) {
        ramp.SetTarget(target);
        for (const float gain : Gains(ramp, 33, 10)) {
            ASSERT_LE(std::abs(gain - last), 4.0F / 100 + 1e-6F);
            last = gain;
        }
    }
}

TEST(GainRamp, KeepsTheRampThatRunsWhenTheSameTargetIsSetAgain) {
    GainRamp once{0.0F, 100};
    GainRamp again{0.0F, 100};
    once.SetTarget(1.0F);
    again.SetTarget(1.0F);
    auto expected = Gains(once, 100, 50);
    auto gains = Gains(again, 50, 50);
    again.SetTarget(1.0F);
    const auto rest = Gains(again, 50, 50);
    gains.insert(gains.end(), rest.begin(), rest.end());
    EXPECT_EQ(gains, expected);
}

TEST(GainRamp, GivesAllChannelsOfAFrameTheSameGain) {
    GainRamp ramp{0.0F, 20};
    ramp.SetTarget(1.0F);
    const auto gains = Gains(ramp, 40, 9, 5);
    for (size_t i = 0; i < gains.size(); ++i)
        ASSERT_EQ(gains[i], gains[i - i % 5]) << i;
}

TEST(GainRamp, ChangesAtOnceWithoutARamp) {
    GainRamp ramp{1.0F, 0};
    ramp.SetTarget(0.5F);
    EXPECT_EQ(Gains(ramp, 3, 3), (std::vector<float>{0.5F, 0.5F, 0.5F}));
}

TEST(GainRamp, IsUnityOnlyWhenItWouldChangeNothing) {
    GainRamp ramp{1.0F, 10};
    EXPECT_TRUE(ramp.IsUnity());
    ramp.SetTarget(0.5F);
    EXPECT_FALSE(ramp.IsUnity());
    Gains(ramp, 10, 10);
    EXPECT_FALSE(ramp.IsUnity());
    ramp.SetTarget(1.0F);
    Gains(ramp, 9, 9);
    EXPECT_FALSE(ramp.IsUnity());
    Gains(ramp, 1, 1);
    EXPECT_TRUE(ramp.IsUnity());
}

TEST(GainRamp, LeavesTheBitsAloneAtUnity) {
    GainRamp ramp{1.0F, 10};
    std::vector<float> samples{-0.0F, 0.1F, std::numeric_limits<float>::denorm_min()};
    const auto before = samples;
    ramp.Apply(samples, 1);
    EXPECT_EQ(samples, before);
    EXPECT_TRUE(std::signbit(samples[0]));
}

TEST(GainRamp, HoldsWhatItIsGivenIntoItsRange) {
    GainRamp ramp{100.0F, 0};
    EXPECT_EQ(Gains(ramp, 1, 1)[0], kGainMax);
    ramp.SetTarget(-1.0F);
    EXPECT_EQ(Gains(ramp, 1, 1)[0], 0.0F);
    ramp.SetTarget(std::numeric_limits<float>::infinity());
    EXPECT_EQ(Gains(ramp, 1, 1)[0], kGainMax);
    ramp.SetTarget(std::numeric_limits<float>::quiet_NaN());
    EXPECT_EQ(Gains(ramp, 1, 1)[0], 0.0F);
}

}  // namespace
}  // namespace shmd::audio
