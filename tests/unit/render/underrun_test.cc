#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/stage.h"

#include <gmock/gmock.h>

namespace shmd::render {
namespace {

using ::testing::Each;
using wire::StreamState;

constexpr uint32_t kLateFrames = 1000;  // no whole number of cycles

/** A client that wrote kLateFrames frames of 100 and no more. */
class Underrun : public test::FdCheckedTest {
  protected:
    Underrun() : late_{7, {}} {
        late_.Write(Level(100, kLateFrames));
        stage_.Play(late_);
    }

    Stage stage_;
    FakeClient late_;
};

TEST_F(Underrun, StopsTheStreamAfterItsLastFrame) {
    late_.Start();
    stage_.RunForMs(100);
    EXPECT_EQ(late_.State(), StreamState::kXrun);
    EXPECT_EQ(late_.Position().frames, kLateFrames);
    EXPECT_EQ(late_.Position().limit_frames, kLateFrames);
}

TEST_F(Underrun, IsSilenceToTheListener) {
    late_.Start();
    stage_.RunForMs(100);
    EXPECT_THAT(Samples(stage_.Played(0, kLateFrames)), Each(100));
    EXPECT_THAT(Samples(stage_.Played(kLateFrames, 440)), Each(0));
}

TEST_F(Underrun, IsCountedAndReportedOnce) {
    late_.Start();
    stage_.RunForMs(100);
    EXPECT_EQ(late_.Position().xruns, 1U);
    EXPECT_EQ(late_.Count().xruns, 1U);
    const auto events = stage_.TakeEvents(Event::kUnderrun);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].subject, 7U);
    EXPECT_EQ(events[0].a, 440U);
    EXPECT_EQ(events[0].b, kLateFrames);
}

TEST_F(Underrun, LeavesOtherStreamsAsTheyWere) {
    FakeClient other{8, {}};
    const auto ramp = Ramp(-2000, 4800);
    other.Write(ramp);
    stage_.Play(other);
    late_.Start();
    other.Start();
    stage_.RunForMs(99);
    const auto mixed = Samples(stage_.Played(0, 4800));
    const auto expected = Samples(ramp);
    for (size_t i = 0; i < mixed.size(); ++i)
        ASSERT_EQ(mixed[i], expected[i] + (i < size_t{kLateFrames} * 2 ? 100 : 0)) << i;
    EXPECT_EQ(other.Position().xruns, 0U);
}

TEST_F(Underrun, IsFoundAtOnceByARendererThatIsInTime) {
    late_.Start();
    stage_.RunForMs(15);
    stage_.Sleep(5 * base::kNsPerMs);
    stage_.Turn();
    EXPECT_EQ(late_.State(), StreamState::kXrun);
}

/** The machine stands still, and everybody with it: the third block is due at 20 ms. */
class HeldUp : public Underrun {
  protected:
    static constexpr int64_t kLostNs = 5 * base::kNsPerMs;

    HeldUp() {
        late_.Start();
        stage_.RunForMs(15);
        stage_.Sleep(5 * base::kNsPerMs + kLostNs);
        now_ns_ = stage_.NowNs();
    }

    void TurnUntil(int64_t end_ns) {
        while (stage_.NowNs() < end_ns) {
            const int64_t next_ns = stage_.Turn().next_ns;
            stage_.Sleep(std::min(next_ns, end_ns) - stage_.NowNs());
        }
    }

    int64_t now_ns_ = 0;
};

TEST_F(HeldUp, GivesTheClientTheTimeThatWasLost) {
    TurnUntil(now_ns_ + kLostNs - base::kNsPerMs);
    EXPECT_EQ(late_.State(), StreamState::kRunning);
    EXPECT_EQ(late_.Position().limit_frames, 960U);
    late_.Write(Level(100, 4000));
    stage_.RunForMs(70);
    EXPECT_EQ(late_.Position().xruns, 0U);
    EXPECT_THAT(Samples(stage_.Played(0, kLateFrames + 3000)), Each(100));
}

TEST_F(HeldUp, GivesNoMoreThanThat) {
    TurnUntil(now_ns_ + kLostNs + base::kNsPerMs);
    EXPECT_EQ(late_.State(), StreamState::kXrun);
    EXPECT_EQ(late_.Position().frames, kLateFrames);
}

TEST_F(HeldUp, GivesNothingThatTheDeviceCannotBear) {
    stage_.Sleep(20 * base::kNsPerMs);
    stage_.Turn();
    EXPECT_EQ(late_.State(), StreamState::kXrun);
}

TEST_F(HeldUp, WaitsForNobodyWhoHasAll) {
    late_.Write(Level(100, 440));
    EXPECT_EQ(stage_.Turn().next_ns, now_ns_ - kLostNs + 10 * base::kNsPerMs);
    EXPECT_EQ(late_.Position().limit_frames, kLateFrames + 440);
}

TEST_F(Underrun, EndsWithANewStart) {
    late_.Start();
    stage_.RunForMs(100);
    late_.SeekTo(5000);
    late_.Write(Level(3, 4800));
    const uint64_t begun_at = stage_.RenderedFrames();
    late_.Start();
    stage_.RunForMs(15);
    EXPECT_EQ(late_.State(), StreamState::kRunning);
    EXPECT_EQ(late_.Position().xruns, 1U);
    EXPECT_THAT(Samples(stage_.Played(begun_at, 480)), Each(3));
}

TEST_F(Underrun, IsNotEndedByWritingMore) {
    late_.Start();
    stage_.RunForMs(100);
    late_.Write(Level(3, 480));
    stage_.RunForMs(20);
    EXPECT_EQ(late_.State(), StreamState::kXrun);
}

TEST_F(Underrun, DoesNotHappenToAClientThatNeverStops) {
    late_.SetStopThreshold(wire::kNeverStop);
    late_.Start();
    stage_.RunForMs(100);
    EXPECT_EQ(late_.State(), StreamState::kRunning);
    EXPECT_EQ(late_.Position().xruns, 0U);
    EXPECT_THAT(Samples(stage_.Played(kLateFrames, 3000)), Each(0));
}

TEST_F(Underrun, LetsThePositionOfAClientThatNeverStopsPassWhatItWrote) {
    late_.SetStopThreshold(wire::kNeverStop);
    late_.Start();
    stage_.RunForMs(100);
    stage_.Turn();
    EXPECT_EQ(late_.Position().frames, 4800U);
    EXPECT_GT(late_.Position().frames, late_.Written());
}

TEST_F(Underrun, LetsAClientThatNeverStopsBeHeardAgainWhereItWrites) {
    late_.SetStopThreshold(wire::kNeverStop);
    late_.Start();
    stage_.RunForMs(45);  // 2400 frames are rendered
    late_.SeekTo(2500);
    late_.Write(Level(9, 480));
    stage_.RunForMs(20);
    EXPECT_THAT(Samples(stage_.Played(kLateFrames, 1500)), Each(0));
    EXPECT_THAT(Samples(stage_.Played(2500, 480)), Each(9));
}

TEST_F(Underrun, GoesAsFarAsAStopThresholdAboveTheBufferAllows) {
    late_.SetStopThreshold(4800 + 960);
    late_.Start();
    stage_.RunForMs(200);
    EXPECT_EQ(late_.State(), StreamState::kXrun);
    const uint64_t behind = late_.Position().limit_frames - kLateFrames;
    EXPECT_LE(behind, 960U);
    EXPECT_GT(behind, 960U - Stage::kCycleFrames);
}

TEST_F(Underrun, ComesEarlyWithAStopThresholdBelowTheBuffer) {
    late_.Write(Level(100, 3800));
    late_.SetStopThreshold(2000);
    late_.Start();
    stage_.RunForMs(99);
    EXPECT_EQ(late_.State(), StreamState::kXrun);
    EXPECT_GE(late_.Position().frames, 2000U);
    // What was read a cycle ahead is still played.
    EXPECT_LT(late_.Position().frames, 2000U + 2 * Stage::kCycleFrames);
}

TEST_F(Underrun, HappensToAMixedStreamAtItsLastFrameToo) {
    FakeClient other{8, {}};
    other.Write(Level(1, 4800));
    stage_.Play(other);
    late_.Start();
    other.Start();
    stage_.RunForMs(99);
    EXPECT_EQ(late_.State(), StreamState::kXrun);
    EXPECT_EQ(late_.Position().frames, kLateFrames);
    EXPECT_EQ(stage_.TakeEvents(Event::kUnderrun).size(), 1U);
}

}  // namespace
}  // namespace shmd::render
