#include "client/wake_time.h"

#include "base/clock.h"
#include "client/delivery_margin.h"
#include "client/position_tracker.h"

#include <gtest/gtest.h>

namespace shmd::client {
namespace {

using base::kNsPerMs;

constexpr int64_t kCycleNs = 20 * kNsPerMs;

/** Frame 1000 is played at second 5, and the cycle ends with frame 1960. */
constexpr shm::Position kPosition{.state = wire::StreamState::kRunning,
                                  .frames = 1000,
                                  .time_ns = 5 * base::kNsPerSecond,
                                  .limit_frames = 1960};

int64_t MsAfter(uint64_t frame) {
    const int64_t time_ns = WakeTimeNs(kPosition, kCycleNs, frame, 48000);
    return (time_ns - kPosition.time_ns) / kNsPerMs;
}

TEST(WakeTime, IsTheEndOfTheCycleThatPlaysTheFrame) {
    EXPECT_EQ(MsAfter(1001), 20);
    EXPECT_EQ(MsAfter(1960), 20);
    EXPECT_EQ(MsAfter(1962), 40);
    EXPECT_EQ(MsAfter(2920), 40);
    EXPECT_EQ(MsAfter(2922), 60);
}

TEST(WakeTime, DoesNotWaitACycleForWhatRoundingMade) {
    // 128 frames of 48 kHz are 2,666,666 2/3 ns.
    const shm::Position position{.time_ns = 0, .limit_frames = 128};
    EXPECT_EQ(WakeTimeNs(position, 2'666'666, 1280, 48000), 2'666'667 + 24'000'000);
}

TEST(WakeTime, IsTheSameForStreamsOfOneDeviceWhereverTheyBegan) {
    shm::Position other = kPosition;
    other.frames += 123'456;
    other.limit_frames += 123'456;
    EXPECT_EQ(WakeTimeNs(kPosition, kCycleNs, 1500, 48000),
              WakeTimeNs(other, kCycleNs, 123'456 + 1700, 48000));
}

TEST(WakeTime, FindsTheFramePlayed) {
    for (const uint32_t rate_hz : {8000U, 44100U, 48000U, 384000U}) {
        for (uint64_t frame = 1001; frame < 6000; frame += 7) {
            shm::Position position = kPosition;
            position.limit_frames = frame;
            const int64_t time_ns = WakeTimeNs(position, kCycleNs, frame, rate_hz);
            PositionTracker tracker;
            tracker.Reset(0, rate_hz);
            ASSERT_EQ(tracker.FrameAt(position, frame, time_ns), frame) << rate_hz;
        }
    }
}

TEST(WakeTime, IsSomewhereAheadWhateverTheServerSays) {
    for (const uint64_t limit : {uint64_t{0}, UINT64_MAX, UINT64_MAX / 2})
        for (const int64_t cycle_ns : {INT64_MIN, int64_t{0}, INT64_MAX}) {
            shm::Position position{.time_ns = 0, .limit_frames = limit};
            const int64_t time_ns = WakeTimeNs(position, cycle_ns, 100, 48000);
            EXPECT_GE(time_ns, 0);
            EXPECT_LE(time_ns, 120 * base::kNsPerSecond);
            for (const int64_t lie_ns : {INT64_MIN, INT64_MAX}) {
                position.time_ns = lie_ns;
                EXPECT_GE(WakeTimeNs(position, cycle_ns, 100, 48000), 0);
            }
        }
}

constexpr int64_t kLeastNs = kNsPerMs;
constexpr int64_t kMostNs = 20 * kNsPerMs;

TEST(NextLook, IsWhenItIsDue) {
    EXPECT_EQ(NextLookNs(2000, 1000, kLeastNs, kMostNs), 2000);
}

TEST(NextLook, IsRarerTheLongerTheServerIsLate) {
    EXPECT_EQ(NextLookNs(1000, 1000, kLeastNs, kMostNs), 1000 + kNsPerMs);
    EXPECT_EQ(NextLookNs(0, 15 * kNsPerMs, kLeastNs, kMostNs), 30 * kNsPerMs);
}

TEST(NextLook, ComesInTimeHoweverLateTheServerIs) {
    EXPECT_EQ(NextLookNs(0, 40 * kNsPerMs, kLeastNs, kMostNs), 60 * kNsPerMs);
}

TEST(DeliveryMargin, GrowsWithEachMissUpToItsMost) {
    DeliveryMargin margin;
    EXPECT_EQ(margin.Ns(), DeliveryMargin::kLeastNs);
    margin.OnMissed();
    EXPECT_EQ(margin.Ns(), 2 * DeliveryMargin::kLeastNs);
    for (int i = 0; i < 100; ++i)
        margin.OnMissed();
    EXPECT_EQ(margin.Ns(), DeliveryMargin::kMostNs);
}

TEST(DeliveryMargin, ShrinksAfterManyLooksInARow) {
    DeliveryMargin margin;
    margin.OnMissed();
    margin.OnMissed();
    for (int i = 0; i < DeliveryMargin::kLooksInARow - 1; ++i)
        margin.OnMet();
    EXPECT_EQ(margin.Ns(), 4 * DeliveryMargin::kLeastNs);
    margin.OnMet();
    EXPECT_EQ(margin.Ns(), 2 * DeliveryMargin::kLeastNs);
    for (int i = 0; i < 10 * DeliveryMargin::kLooksInARow; ++i)
        margin.OnMet();
    EXPECT_EQ(margin.Ns(), DeliveryMargin::kLeastNs);
}

}  // namespace
}  // namespace shmd::client
