#include "render/cycle_length.h"

#include <gtest/gtest.h>

namespace shmd::render {
namespace {

constexpr uint32_t kRateHz = 48000;

TEST(CycleLength, IsWhatTheStreamsAllow) {
    CycleLength cycle{kRateHz};
    EXPECT_EQ(cycle.Next(960, 0), 960U);
    EXPECT_EQ(cycle.Next(960, 960), 960U);
}

TEST(CycleLength, IsShorterAtOnce) {
    CycleLength cycle{kRateHz};
    cycle.Next(960, 0);
    EXPECT_EQ(cycle.Next(128, 960), 128U);
}

TEST(CycleLength, IsLongerWhenNothingAskedForLessForASecond) {
    CycleLength cycle{kRateHz};
    cycle.Next(128, 0);
    EXPECT_EQ(cycle.Next(128, 1000), 128U);
    EXPECT_EQ(cycle.Next(960, 2000), 128U);
    EXPECT_EQ(cycle.Next(960, 1000 + kRateHz - 1), 128U);
    EXPECT_EQ(cycle.Next(960, 1000 + kRateHz), 960U);
}

TEST(CycleLength, IsFreeAgainOnceTheDeviceStood) {
    CycleLength cycle{kRateHz};
    cycle.Next(128, 0);
    cycle.Forget();
    EXPECT_EQ(cycle.Next(960, 1), 960U);
}

}  // namespace
}  // namespace shmd::render
