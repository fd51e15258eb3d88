#include "device/card_clock.h"

#include "base/clock.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

constexpr int64_t kStartNs = 1'234'567'890'123;
constexpr uint32_t kRateHz = 48000;
constexpr int64_t kPeriod = 480;

int64_t Ms(int64_t ms) {
    return kStartNs + ms * base::kNsPerMs;
}

TEST(CardClock, RunsAtTheNominalRateFromWhereItWasSet) {
    CardClock clock{kRateHz, 480};
    clock.Set(1000, kStartNs);
    EXPECT_EQ(clock.FrameAt(kStartNs), 1000);
    EXPECT_EQ(clock.FrameAt(Ms(1000)), 49000);
    EXPECT_EQ(clock.FrameAt(Ms(-1000)), -47000);
    EXPECT_EQ(clock.TimeOfNs(49000), Ms(1000));
}

TEST(CardClock, HasReachedAFrameAtItsTimeAndNotBefore) {
    CardClock clock{44100, 480};
    clock.Set(7, kStartNs);
    for (int64_t frame = -1000; frame < 1'000'000'000; frame += 1 + std::abs(frame)) {
        EXPECT_EQ(clock.FrameAt(clock.TimeOfNs(frame)), frame);
        EXPECT_EQ(clock.FrameAt(clock.TimeOfNs(frame) - 1), frame - 1);
    }
}

TEST(CardClock, BelievesACardThatIsAhead) {
    CardClock clock{kRateHz, 480};
    clock.Set(0, kStartNs);
    EXPECT_EQ(clock.Observe(960, Ms(10)), 960);
    EXPECT_EQ(clock.FrameAt(Ms(20)), 960 + 480);
}

TEST(CardClock, GoesNoFurtherAheadThanItMay) {
    CardClock clock{kRateHz, 480};
    clock.Set(0, kStartNs);
    EXPECT_EQ(clock.Observe(0, Ms(100)), 480);
    EXPECT_EQ(clock.FrameAt(Ms(110)), 960);
    EXPECT_EQ(clock.Observe(0, Ms(200)), 480);
}

TEST(CardClock, FindsTheLineThroughTheTopsOfAPeriodwisePointer) {
    CardClock clock{kRateHz, 480};
    clock.Set(0, kStartNs);
    // Looked at at any time, a card that says only whole periods.
    int64_t last = 0;
    for (int64_t ms = 3; ms < 1000; ms += 7) {
        const int64_t real = ms * 48;
        const int64_t frame = clock.Observe(real / kPeriod * kPeriod, Ms(ms));
        EXPECT_GE(frame, last);
        EXPECT_LE(frame, real);
        EXPECT_GE(frame, real / kPeriod * kPeriod);
        last = frame;
    }
    EXPECT_NEAR(static_cast<double>(last), 999 * 48, 200);
}

TEST(CardClock, ForgetsALookThatCameLate) {
    CardClock clock{kRateHz, 480};
    clock.Set(0, kStartNs);
    // The time was read, then the thread was stopped for 5 ms, then the card was asked.
    EXPECT_EQ(clock.Observe(10 * 48 + 240, Ms(10)), 10 * 48 + 240);
    int64_t frame = 0;
    for (int64_t ms = 20; ms <= 500; ms += 10)
        frame = clock.Observe(ms * 48, Ms(ms));
    EXPECT_NEAR(static_cast<double>(frame), 500 * 48, 2);
}

TEST(CardClock, FollowsACardThatIsNotQuiteNominal) {
    for (const int64_t ppm : {-500, -50, 50, 500}) {
        CardClock clock{kRateHz, 480};
        clock.Set(0, kStartNs);
        int64_t error = 0;
        for (int64_t ms = 10; ms <= 100'000; ms += 10) {
            const int64_t real = ms * (48'000'000 + 48 * ppm) / 1'000'000;
            error = clock.Observe(real, Ms(ms)) - real;
            ASSERT_GE(error, 0);
            ASSERT_LE(error, 3) << ppm << " ppm at " << ms;
        }
    }
}

}  // namespace
}  // namespace shmd::device
