#include "client/position_tracker.h"

#include "base/clock.h"

#include <gtest/gtest.h>

namespace shmd::client {
namespace {

using base::kNsPerMs;
using base::kNsPerSecond;
using wire::StreamState;

constexpr int64_t kNow = 100 * kNsPerSecond;
constexpr uint64_t kFar = uint64_t{1} << 40;

class PositionTrackerTest : public ::testing::Test {
  protected:
    PositionTrackerTest() { tracker_.Reset(1000, 48000); }

    static shm::Position At(uint64_t frames, StreamState state = StreamState::kRunning) {
        return {.state = state, .frames = frames, .time_ns = kNow};
    }

    PositionTracker tracker_;
};

TEST_F(PositionTrackerTest, InterpolatesARunningStream) {
    EXPECT_EQ(tracker_.FrameAt(At(2000), kFar, kNow + 10 * kNsPerMs), 2480U);
}

TEST_F(PositionTrackerTest, InterpolatesADrainingStream) {
    EXPECT_EQ(tracker_.FrameAt(At(2000, StreamState::kDraining), kFar, kNow + kNsPerMs),
              2048U);
}

TEST_F(PositionTrackerTest, LeavesAStreamThatDoesNotRunWhereItIs) {
    for (const auto state : {StreamState::kIdle, StreamState::kPaused, StreamState::kXrun,
                             StreamState::kStopped})
        EXPECT_EQ(tracker_.FrameAt(At(2000, state), kFar, kNow + kNsPerSecond), 2000U);
}

TEST_F(PositionTrackerTest, NeverPassesTheLimit) {
    EXPECT_EQ(tracker_.FrameAt(At(2000), 2100, kNow + kNsPerSecond), 2100U);
}

TEST_F(PositionTrackerTest, NeverGoesBack) {
    EXPECT_EQ(tracker_.FrameAt(At(2000), kFar, kNow + 10 * kNsPerMs), 2480U);
    EXPECT_EQ(tracker_.FrameAt(At(2000), kFar, kNow), 2480U);
    EXPECT_EQ(tracker_.FrameAt(At(1500), 1500, kNow), 2480U);
}

TEST_F(PositionTrackerTest, GoesBackToANewStart) {
    tracker_.FrameAt(At(2000), kFar, kNow);
    tracker_.Reset(10, 48000);
    EXPECT_EQ(tracker_.Newest(), 10U);
}

TEST_F(PositionTrackerTest, TakesATimeThatIsStillToComeForNow) {
    auto position = At(2000);
    position.time_ns = kNow + kNsPerSecond;
    EXPECT_EQ(tracker_.FrameAt(position, kFar, kNow), 2000U);
}

TEST_F(PositionTrackerTest, InterpolatesTenSecondsAtMost) {
    auto position = At(2000);
    position.time_ns = 0;
    EXPECT_EQ(tracker_.FrameAt(position, kFar, kNow), 2000U + 480'000);
}

TEST_F(PositionTrackerTest, SurvivesTimesThatCannotBe) {
    for (const int64_t time : {INT64_MIN, int64_t{-1}, INT64_MAX}) {
        auto position = At(2000);
        position.time_ns = time;
        EXPECT_EQ(tracker_.FrameAt(position, kFar, kNow), 2000U) << time;
    }
}

TEST_F(PositionTrackerTest, FollowsAFrameThatCannotBeStepByStep) {
    constexpr uint64_t kLie = uint64_t{1} << 61;
    EXPECT_LT(tracker_.FrameAt(At(kLie), UINT64_MAX, kNow), uint64_t{1} << 33);
    EXPECT_LT(tracker_.FrameAt(At(kLie), UINT64_MAX, kNow), uint64_t{1} << 34);
}

TEST_F(PositionTrackerTest, IgnoresAFrameFarBehind) {
    EXPECT_EQ(tracker_.FrameAt(At(0), kFar, kNow), 1000U);
    EXPECT_EQ(tracker_.FrameAt(At(UINT64_MAX), UINT64_MAX, kNow + kNsPerSecond), 47999U);
}

}  // namespace
}  // namespace shmd::client
