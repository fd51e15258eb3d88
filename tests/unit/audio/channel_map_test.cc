#include "audio/channel_map.h"

#include <alsa/asoundlib.h>
#include <gtest/gtest.h>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <vector>

namespace shmd::audio {
namespace {

using enum ChannelPosition;

constexpr float kMinus3Db = 0.70710678F;

ChannelMap Map(std::initializer_list<ChannelPosition> positions) {
    ChannelMap map;
    for (const ChannelPosition position : positions)
        map.positions[map.count++] = position;
    return map;
}

std::vector<float> Remix(const ChannelMap& in, const ChannelMap& out,
                         const std::vector<float>& frames) {
    const auto count = static_cast<uint32_t>(frames.size() / in.count);
    std::vector<float> result(size_t{count} * out.count, 99.0F);
    Remixer{in, out}.Apply(frames, result, count);
    return result;
}

/** What channel `from` of `in` is multiplied by on its way to each channel of `out`. */
std::vector<float> Gains(const ChannelMap& in, const ChannelMap& out, uint32_t from) {
    std::vector<float> frame(in.count);
    frame[from] = 1;
    return Remix(in, out, frame);
}

const ChannelMap kMonoMap = DefaultChannelMap(1);
const ChannelMap kStereo = DefaultChannelMap(2);
const ChannelMap k51 = DefaultChannelMap(6);
const ChannelMap k71 = DefaultChannelMap(8);

TEST(ChannelPosition, HasAlsasNumbersAndNames) {
    const std::vector<std::pair<ChannelPosition, const char*>> names{
        {kUnknown, "UNKNOWN"},
        {kNotAvailable, "NA"},
        {kMono, "MONO"},
        {kFrontLeft, "FL"},
        {kFrontRight, "FR"},
        {kRearLeft, "RL"},
        {kRearRight, "RR"},
        {kFrontCentre, "FC"},
        {kLowFrequency, "LFE"},
        {kSideLeft, "SL"},
        {kSideRight, "SR"},
        {kRearCentre, "RC"},
        {kFrontLeftOfCentre, "FLC"},
        {kFrontRightOfCentre, "FRC"},
        {kRearLeftOfCentre, "RLC"},
        {kRearRightOfCentre, "RRC"},
        {kFrontLeftWide, "FLW"},
        {kFrontRightWide, "FRW"},
        {kFrontLeftHigh, "FLH"},
        {kFrontCentreHigh, "FCH"},
        {kFrontRightHigh, "FRH"},
        {kTopCentre, "TC"},
        {kTopFrontLeft, "TFL"},
        {kTopFrontRight, "TFR"},
        {kTopFrontCentre, "TFC"},
        {kTopRearLeft, "TRL"},
        {kTopRearRight, "TRR"},
        {kTopRearCentre, "TRC"},
        {kTopFrontLeftOfCentre, "TFLC"},
        {kTopFrontRightOfCentre, "TFRC"},
        {kTopSideLeft, "TSL"},
        {kTopSideRight, "TSR"},
        {kLeftLowFrequency, "LLFE"},
        {kRightLowFrequency, "RLFE"},
        {kBottomCentre, "BC"},
        {kBottomLeftOfCentre, "BLC"},
        {kBottomRightOfCentre, "BRC"},
    };
    ASSERT_EQ(names.size(), size_t{kLastChannelPosition} + 1);
    for (const auto& [position, name] : names)
        EXPECT_EQ(snd_pcm_chmap_from_string(name), static_cast<uint32_t>(position))
            << name;
}

TEST(DefaultChannelMap, IsAlsasUsualLayout) {
    EXPECT_EQ(DefaultChannelMap(1), Map({kMono}));
    EXPECT_EQ(DefaultChannelMap(2), Map({kFrontLeft, kFrontRight}));
    EXPECT_EQ(DefaultChannelMap(3), Map({kFrontLeft, kFrontRight, kLowFrequency}));
    EXPECT_EQ(DefaultChannelMap(4),
              Map({kFrontLeft, kFrontRight, kRearLeft, kRearRight}));
    EXPECT_EQ(DefaultChannelMap(5),
              Map({kFrontLeft, kFrontRight, kRearLeft, kRearRight, kFrontCentre}));
    EXPECT_EQ(DefaultChannelMap(8),
              Map({kFrontLeft, kFrontRight, kRearLeft, kRearRight, kFrontCentre,
                   kLowFrequency, kSideLeft, kSideRight}));
}

TEST(DefaultChannelMap, LeavesChannelsAboveTheEighthUnknown) {
    const ChannelMap map = DefaultChannelMap(kMaxChannels);
    EXPECT_EQ(map.count, kMaxChannels);
    EXPECT_EQ(map.positions[7], kSideRight);
    for (size_t i = 8; i < kMaxChannels; ++i)
        EXPECT_EQ(map.positions[i], kUnknown);
}

TEST(Remixer, IsIdentityForEqualLayouts) {
    for (uint32_t channels = 1; channels <= kMaxChannels; ++channels) {
        const ChannelMap map = DefaultChannelMap(channels);
        EXPECT_TRUE((Remixer{map, map}.IsIdentity())) << channels;
    }
}

TEST(Remixer, CopiesBitForBitWhenItIsIdentity) {
    const std::vector<float> frames{0.1F, -0.2F, 0.3F, -0.4F};
    EXPECT_EQ(Remix(kStereo, kStereo, frames), frames);
}

TEST(Remixer, ReordersByPosition) {
    const ChannelMap swapped = Map({kFrontRight, kFrontLeft});
    EXPECT_FALSE((Remixer{kStereo, swapped}.IsIdentity()));
    EXPECT_EQ(Remix(kStereo, swapped, {1, 2, 3, 4}), (std::vector<float>{2, 1, 4, 3}));
}

TEST(Remixer, PutsMonoUnchangedOnBothFronts) {
    EXPECT_EQ(Remix(kMonoMap, kStereo, {0.5F, -1}),
              (std::vector<float>{0.5F, 0.5F, -1, -1}));
    EXPECT_EQ(Gains(kMonoMap, k51, 0), (std::vector<float>{1, 1, 0, 0, 0, 0}));
}

TEST(Remixer, AveragesStereoToMono) {
    EXPECT_EQ(Remix(kStereo, kMonoMap, {1, 0.5F}), std::vector<float>{0.75F});
}

TEST(Remixer, AveragesSurroundToMonoWithoutLfe) {
    EXPECT_FLOAT_EQ(Remix(k51, kMonoMap, {1, 1, 1, 1, 1, -1})[0], 1.0F);
    EXPECT_EQ(Gains(k51, kMonoMap, 5), std::vector<float>{0});
    EXPECT_FLOAT_EQ(Gains(k51, kMonoMap, 4)[0], 0.2F);
}

TEST(Remixer, FoldsSurroundIntoStereoByItuAndScalesItNotToClip) {
    const float scale = 1 / (1 + 2 * kMinus3Db);
    const auto near = [](const std::vector<float>& gains, float left, float right) {
        EXPECT_NEAR(gains[0], left, 1e-6);
        EXPECT_NEAR(gains[1], right, 1e-6);
    };
    near(Gains(k51, kStereo, 0), scale, 0);
    near(Gains(k51, kStereo, 1), 0, scale);
    near(Gains(k51, kStereo, 2), scale * kMinus3Db, 0);
    near(Gains(k51, kStereo, 3), 0, scale * kMinus3Db);
    near(Gains(k51, kStereo, 4), scale * kMinus3Db, scale * kMinus3Db);
    near(Gains(k51, kStereo, 5), 0, 0);
}

TEST(Remixer, LeavesOutputsThatNothingFeedsSilent) {
    EXPECT_EQ(Remix(kStereo, k71, {0.25F, 0.5F}),
              (std::vector<float>{0.25F, 0.5F, 0, 0, 0, 0, 0, 0}));
}

TEST(Remixer, TakesSideForRearWhereOnlyTheNameDiffers) {
    const ChannelMap side = Map({kFrontLeft, kFrontRight, kSideLeft, kSideRight});
    EXPECT_TRUE((Remixer{DefaultChannelMap(4), side}.IsIdentity()));
}

TEST(Remixer, AddsSideToRearAt3DbLessWhereBothCameIn) {
    const float scale = 1 / (1 + kMinus3Db);
    EXPECT_NEAR(Gains(k71, k51, 2)[2], scale, 1e-6);
    EXPECT_NEAR(Gains(k71, k51, 6)[2], scale * kMinus3Db, 1e-6);
}

TEST(Remixer, NeverClipsAFullScaleInput) {
    for (uint32_t in = 1; in <= 12; ++in) {
        for (uint32_t out = 1; out <= 12; ++out) {
            const std::vector<float> full(in, 1.0F);
            for (const float sample :
                 Remix(DefaultChannelMap(in), DefaultChannelMap(out), full))
                ASSERT_LE(sample, 1.0F + 1e-6F) << in << " to " << out;
        }
    }
}

TEST(Remixer, LosesNoChannelButLfeOfTheUsualLayoutsInADownmix) {
    for (uint32_t in = 2; in <= 8; ++in) {
        const ChannelMap map = DefaultChannelMap(in);
        for (uint32_t from = 0; from < in; ++from) {
            float heard = 0;
            for (const float gain : Gains(map, kStereo, from))
                heard += gain;
            const bool lfe = map.positions[from] == kLowFrequency;
            EXPECT_EQ(heard > 0, !lfe) << in << " channels, channel " << from;
        }
    }
}

TEST(Remixer, HasAWayToStereoForEveryPositionButLfe) {
    for (uint8_t number = 2; number <= kLastChannelPosition; ++number) {
        const auto position = static_cast<ChannelPosition>(number);
        const auto gains = Gains(Map({kFrontLeft, kFrontRight, position}), kStereo, 2);
        const bool lfe = position == kLowFrequency || position == kLeftLowFrequency ||
                         position == kRightLowFrequency;
        EXPECT_EQ(gains[0] + gains[1] > 0, !lfe) << int{number};
    }
}

TEST(Remixer, MapsUnknownPositionsByIndexWhenTheCountsAreEqual) {
    const ChannelMap unknown{.count = 2};
    EXPECT_TRUE((Remixer{unknown, kStereo}.IsIdentity()));
    EXPECT_TRUE((Remixer{Map({kFrontRight, kFrontLeft}), unknown}.IsIdentity()));
}

TEST(Remixer, TakesALayoutOfUnknownPositionsForTheUsualOne) {
    const ChannelMap unknown{.count = 2};
    EXPECT_EQ(Remix(unknown, kMonoMap, {1, 0}), std::vector<float>{0.5F});
    EXPECT_EQ(Remix(kMonoMap, ChannelMap{.count = 2}, {1}), (std::vector<float>{1, 1}));
}

TEST(Remixer, KeepsUnknownChannelsOfTheSameIndex) {
    const auto gains = Gains(DefaultChannelMap(10), DefaultChannelMap(12), 9);
    for (size_t i = 0; i < gains.size(); ++i)
        EXPECT_EQ(gains[i], i == 9 ? 1.0F : 0.0F) << i;
}

TEST(Remixer, TakesMoreChannelsThanAnyLayoutHasByIndex) {
    for (const uint32_t in : {9U, 16U, 32U}) {
        for (const uint32_t out : {1U, 2U, 6U, 8U, 12U}) {
            for (uint32_t from = 0; from < in; ++from) {
                const auto gains =
                    Gains(DefaultChannelMap(in), DefaultChannelMap(out), from);
                for (uint32_t to = 0; to < out; ++to)
                    EXPECT_EQ(gains[to], to == from ? 1.0F : 0.0F)
                        << in << " to " << out << ": " << from << " to " << to;
            }
        }
    }
}

TEST(Remixer, FoldsMoreThanEightChannelsWhoseLoudspeakersAreAllKnown) {
    ChannelMap in = DefaultChannelMap(10);
    in.positions[8] = ChannelPosition::kTopFrontLeft;
    in.positions[9] = ChannelPosition::kTopFrontRight;
    EXPECT_GT(Gains(in, DefaultChannelMap(2), 8)[0], 0.0F);
    EXPECT_GT(Gains(in, DefaultChannelMap(2), 4)[1], 0.0F);
}

TEST(Remixer, GoesByIndexRatherThanGiveSilence) {
    const auto gains = Gains(kStereo, Map({kRearLeft, kRearRight, kSideLeft}), 1);
    EXPECT_EQ(gains, (std::vector<float>{0, 1, 0}));
}

TEST(Remixer, DropsAChannelThatIsNotAvailable) {
    const ChannelMap in = Map({kFrontLeft, kFrontRight, kNotAvailable});
    EXPECT_EQ(Gains(in, kStereo, 2), (std::vector<float>{0, 0}));
    EXPECT_EQ(Remix(in, kMonoMap, {1, 1, 1}), std::vector<float>{1});
}

TEST(Remixer, KeepsAnInfinityOutOfTheChannelsItDoesNotFeed) {
    const float infinity = std::numeric_limits<float>::infinity();
    EXPECT_EQ(Remix(kStereo, DefaultChannelMap(4), {infinity, 0.5F})[1], 0.5F);
}

}  // namespace
}  // namespace shmd::audio
