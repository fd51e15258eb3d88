#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/stage.h"

#include <gmock/gmock.h>

namespace shmd::render {
namespace {

using ::testing::Each;
using wire::StreamState;

constexpr uint32_t kFrames = 1000;  // no whole number of cycles

class Drain : public test::FdCheckedTest {
  protected:
    Drain() : client_{1, {}} {
        client_.Write(Level(100, kFrames));
        stage_.Play(client_);
    }

    /** Run until the client hears that it has stopped. @return the device's frame then */
    uint64_t RunUntilStopped(const FakeClient& client) {
        uint64_t frame = 0;
        for (int i = 0; i < 1000 && client.State() != StreamState::kStopped; ++i) {
            stage_.RunForMs(1);
            frame += 48;
        }
        return frame;
    }

    Stage stage_;
    FakeClient client_;
};

TEST_F(Drain, EndsWhenTheLastFrameWasPlayedAndNotBefore) {
    client_.StartDraining();
    const uint64_t stopped_at = RunUntilStopped(client_);
    EXPECT_GE(stopped_at, kFrames);
    EXPECT_LE(stopped_at, kFrames + Stage::kCycleFrames);
    EXPECT_EQ(client_.Position().frames, kFrames);
}

TEST_F(Drain, PlaysEveryFrameAndThenSilence) {
    client_.StartDraining();
    RunUntilStopped(client_);
    EXPECT_THAT(Samples(stage_.Played(0, kFrames)), Each(100));
    EXPECT_THAT(Samples(stage_.Played(kFrames, stage_.RenderedFrames() - kFrames)),
                Each(0));
}

TEST_F(Drain, IsNoUnderrun) {
    client_.StartDraining();
    RunUntilStopped(client_);
    EXPECT_EQ(client_.Position().xruns, 0U);
    EXPECT_TRUE(stage_.TakeEvents(Event::kUnderrun).empty());
}

TEST_F(Drain, LetsTheDeviceStop) {
    client_.StartDraining();
    RunUntilStopped(client_);
    stage_.RunForMs(10);  // the cycle that was ahead
    EXPECT_EQ(stage_.Turn().next_ns, base::kNever);
    EXPECT_FALSE(stage_.TheRenderer().DeviceIsRunning());
}

TEST_F(Drain, BeginsWhileTheStreamRuns) {
    client_.Start();
    stage_.RunForMs(5);
    client_.Drain();
    stage_.RunForMs(10);
    EXPECT_EQ(client_.State(), StreamState::kDraining);
    RunUntilStopped(client_);
    EXPECT_EQ(client_.Position().frames, kFrames);
}

TEST_F(Drain, OfNothingEndsAtOnce) {
    FakeClient empty{2, {}};
    stage_.Play(empty);
    empty.StartDraining();
    EXPECT_LE(RunUntilStopped(empty), 2U * Stage::kCycleFrames);
    EXPECT_EQ(empty.Position().frames, 0U);
}

TEST_F(Drain, OfAWholeNumberOfCyclesEndsToo) {
    FakeClient whole{2, {}};
    whole.Write(Level(1, 2 * Stage::kCycleFrames));
    stage_.Play(whole);
    whole.StartDraining();
    const uint64_t stopped_at = RunUntilStopped(whole);
    EXPECT_GE(stopped_at, 2 * Stage::kCycleFrames);
    EXPECT_EQ(whole.Position().frames, 2 * Stage::kCycleFrames);
}

TEST_F(Drain, EndsInAMixWithoutAnotherStreamHearingIt) {
    FakeClient other{2, {}};
    other.Write(Level(5, 4800));
    stage_.Play(other);
    client_.StartDraining();
    other.Start();
    stage_.RunForMs(99);
    EXPECT_EQ(client_.State(), StreamState::kStopped);
    EXPECT_THAT(Samples(stage_.Played(0, kFrames)), Each(105));
    EXPECT_THAT(Samples(stage_.Played(kFrames, 3800)), Each(5));
}

TEST_F(Drain, AtAnotherRateEndsWithTheLastSampleOfTheResampler) {
    FakeClient client{2, {.format = {audio::SampleFormat::kS16Le, 44100, 2}}};
    client.Write(Level(10'000, 2205));  // 50 ms: 2400 frames of the device's
    stage_.Play(client);
    client.StartDraining();
    RunUntilStopped(client);
    EXPECT_EQ(client.Position().frames, 2205U);
    const auto played = Samples(stage_.Played(0, 2400));
    EXPECT_NEAR(played[2 * 2350], 10'000, 10) << "the end was cut off";
    EXPECT_EQ(Samples(stage_.Played(stage_.RenderedFrames() - 1, 1))[0], 0);
}

TEST_F(Drain, IsCutShortByADrop) {
    client_.StartDraining();
    stage_.Turn();
    client_.Stop();
    stage_.Turn();
    EXPECT_EQ(client_.State(), StreamState::kStopped);
}

}  // namespace
}  // namespace shmd::render
