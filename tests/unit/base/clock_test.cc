#include "base/clock.h"

#include <gtest/gtest.h>

namespace shmd::base {
namespace {

TEST(MulDiv, RoundsDown) {
    EXPECT_EQ(MulDiv(7, 3, 2), 10);
}

TEST(MulDiv, RoundsNegativeValuesDownToo) {
    EXPECT_EQ(MulDiv(-7, 3, 2), -11);
}

TEST(MulDiv, KeepsFramesOfYearsWhole) {
    const int64_t frames = int64_t{384000} * 3600 * 24 * 365 * 10;
    const int64_t ns = MulDiv(frames, kNsPerSecond, 384000);
    EXPECT_EQ(ns, int64_t{3600} * 24 * 365 * 10 * kNsPerSecond);
    EXPECT_EQ(MulDiv(ns, 384000, kNsPerSecond), frames);
}

TEST(SystemClock, DoesNotGoBack) {
    const SystemClock clock;
    const int64_t first = clock.NowNs();
    EXPECT_LE(first, clock.NowNs());
}

}  // namespace
}  // namespace shmd::base
