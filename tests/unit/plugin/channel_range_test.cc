#include "plugin/channel_range.h"

#include <gtest/gtest.h>

namespace shmd::plugin {
namespace {

TEST(OfferedChannels, AreThoseOfTheKeyIfItIsGiven) {
    EXPECT_EQ(OfferedChannels(6, 8), 6U);
    EXPECT_EQ(OfferedChannels(1, 0), 1U);
}

TEST(OfferedChannels, AreThoseOfADeviceWithMoreThanTwo) {
    EXPECT_EQ(OfferedChannels(0, 3), 3U);
    EXPECT_EQ(OfferedChannels(0, 8), 8U);
}

TEST(OfferedChannels, AreAsManyAsPlugOffersForAStereoOrUnknownDevice) {
    EXPECT_EQ(OfferedChannels(0, 0), 10000U);
    EXPECT_EQ(OfferedChannels(0, 2), 10000U);
}

}  // namespace
}  // namespace shmd::plugin
