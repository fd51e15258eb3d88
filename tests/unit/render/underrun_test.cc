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

    /** Turn at each time that the renderer wishes, until the device is at `frame`. */
    void TurnUntilFrame(int64_t frame) {
        const int64_t end_ns =
            Stage::kBeginNs + base::MulDiv(frame, base::kNsPerSecond, 48000);
        while (stage_.NowNs() < end_ns) {
            const int64_t next_ns = stage_.Turn().next_ns;
            stage_.Sleep(std::min(next_ns, end_ns) - stage_.NowNs());
        }
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

/** As on a card; the block that lacks its frames was due at frame 960. */
TEST_F(Underrun, IsFoundWhenThePositionIsAtItsEnd) {
    late_.Start();
    TurnUntilFrame(kLateFrames - 1);
    stage_.Turn();
    EXPECT_EQ(late_.State(), StreamState::kRunning);
    EXPECT_EQ(late_.Position().limit_frames, 960U);
    TurnUntilFrame(kLateFrames + 13);  // a look of a quarter of a millisecond later
    EXPECT_EQ(late_.State(), StreamState::kXrun);
}

TEST_F(Underrun, DoesNotHappenToWhoWritesBeforeThat) {
    late_.Start();
    TurnUntilFrame(kLateFrames - 20);
    late_.Write(Level(100, 3000));
    TurnUntilFrame(kLateFrames + 2000);
    EXPECT_EQ(late_.Position().xruns, 0U);
    EXPECT_THAT(Samples(stage_.Played(0, kLateFrames + 2000)), Each(100));
}

TEST_F(Underrun, IsFoundAtOnceWhereAnotherWouldHaveToWait) {
    FakeClient other{8, {}};
    other.Write(Level(1, 1441));
    stage_.Play(other);
    late_.Start();
    other.Start();
    TurnUntilFrame(960);
    stage_.Turn();
    EXPECT_EQ(late_.State(), StreamState::kXrun);
    EXPECT_EQ(other.State(), StreamState::kRunning);
}

TEST_F(Underrun, IsFoundAtTheEndOfTheFirstOfThoseThatLackFrames) {
    FakeClient other{8, {}};
    other.Write(Level(1, kLateFrames - 20));
    stage_.Play(other);
    late_.Start();
    other.Start();
    TurnUntilFrame(kLateFrames - 21);
    stage_.Turn();
    EXPECT_EQ(late_.State(), StreamState::kRunning);
    EXPECT_EQ(other.State(), StreamState::kRunning);
    TurnUntilFrame(kLateFrames - 20 + 13);
    EXPECT_EQ(late_.State(), StreamState::kXrun);
    EXPECT_EQ(other.State(), StreamState::kXrun);
}

TEST_F(Underrun, IsFoundAtOnceWhereSomebodyRecords) {
    FakeClient recorder{8, {.is_capture = true}};
    stage_.Record(recorder);
    late_.Start();
    recorder.Start();
    TurnUntilFrame(960);
    stage_.Turn();
    EXPECT_EQ(late_.State(), StreamState::kXrun);
}

TEST_F(Underrun, IsFoundAtOnceWhereSomebodyRecordsWhatIsPlayed) {
    FakeClient listener{8, {.is_capture = true}};
    stage_.Monitor(listener);
    late_.Start();
    listener.Start();
    TurnUntilFrame(960);
    stage_.Turn();
    EXPECT_EQ(late_.State(), StreamState::kXrun);
}

/** Who plays on in silence is not waited for. */
TEST_F(Underrun, DoesNotHoldUpTheDeviceOfAClientThatNeverStops) {
    late_.SetStopThreshold(wire::kNeverStop);
    late_.Start();
    TurnUntilFrame(960);
    stage_.Turn();
    EXPECT_EQ(late_.Position().limit_frames, 1440U);
}

/** A device has so much time, and no more: here 20 ms. */
TEST(UnderrunOfALongCycle, IsFoundWhenTheDeviceCannotWait) {
    Stage stage{{}, 4800};
    FakeClient late{7, {.period_frames = 4800, .buffer_frames = 19200}};
    late.Write(Level(100, 4800 + 2000));
    stage.Play(late);
    late.Start();
    stage.RunForMs(119);
    EXPECT_EQ(late.State(), StreamState::kRunning);
    stage.RunForMs(2);
    EXPECT_EQ(late.State(), StreamState::kXrun);
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

    /** The device's frame so long after the machine went on. */
    [[nodiscard]] int64_t FrameAfter(int64_t ns) const {
        return base::MulDiv(now_ns_ + ns - Stage::kBeginNs, 48000, base::kNsPerSecond);
    }

    int64_t now_ns_ = 0;
};

TEST_F(HeldUp, GivesTheClientTheTimeThatWasLost) {
    TurnUntilFrame(FrameAfter(kLostNs - base::kNsPerMs));
    EXPECT_EQ(late_.State(), StreamState::kRunning);
    EXPECT_EQ(late_.Position().limit_frames, 960U);
    late_.Write(Level(100, 4000));
    stage_.RunForMs(70);
    EXPECT_EQ(late_.Position().xruns, 0U);
    EXPECT_THAT(Samples(stage_.Played(0, kLateFrames + 3000)), Each(100));
}

TEST_F(HeldUp, GivesNoMoreThanThat) {
    TurnUntilFrame(FrameAfter(kLostNs + base::kNsPerMs));
    EXPECT_EQ(late_.State(), StreamState::kXrun);
    EXPECT_EQ(late_.Position().frames, kLateFrames);
}

TEST_F(HeldUp, GivesNothingThatTheDeviceCannotBear) {
    stage_.Sleep(20 * base::kNsPerMs);
    stage_.Turn();
    EXPECT_EQ(late_.State(), StreamState::kXrun);
}

/** Also while it waits already: until frame 1000 it does in any case. */
TEST_F(Underrun, GivesTheTimeThatWasLostInBetween) {
    late_.Start();
    TurnUntilFrame(970);
    stage_.Sleep(3 * base::kNsPerMs);
    stage_.Turn();
    EXPECT_EQ(late_.State(), StreamState::kRunning);
    TurnUntilFrame(970 + 2 * 3 * 48 + 24);
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
