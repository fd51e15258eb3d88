#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/stage.h"

#include <gmock/gmock.h>
#include <algorithm>

namespace shmd::render {
namespace {

using ::testing::Each;
using wire::StreamState;

constexpr int64_t kCycleNs = 10 * base::kNsPerMs;

class RendererTest : public test::FdCheckedTest {
  protected:
    Stage stage_;
};

TEST_F(RendererTest, WantsNoTurnWhenNothingRuns) {
    EXPECT_EQ(stage_.Turn().next_ns, base::kNever);
    EXPECT_FALSE(stage_.TheRenderer().DeviceIsRunning());
}

TEST_F(RendererTest, WantsNoTurnForAStreamThatHasNotStarted) {
    FakeClient client{1, {}};
    stage_.Play(client);
    EXPECT_EQ(stage_.Turn().next_ns, base::kNever);
    EXPECT_FALSE(stage_.TheRenderer().DeviceIsRunning());
}

TEST_F(RendererTest, TurnsAtTheEndOfEachCycle) {
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage_.Play(client);
    client.Start();
    EXPECT_EQ(stage_.Turn().next_ns, stage_.NowNs() + kCycleNs);
    EXPECT_TRUE(stage_.TheRenderer().DeviceIsRunning());
    stage_.Sleep(kCycleNs);
    EXPECT_EQ(stage_.Turn().next_ns, stage_.NowNs() + kCycleNs);
}

TEST_F(RendererTest, StopsTheDeviceWhenTheLastFrameWasPlayed) {
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage_.Play(client);
    client.Start();
    stage_.RunForMs(25);
    client.Stop();
    EXPECT_NE(stage_.Turn().next_ns, base::kNever) << "a cycle is not played yet";
    stage_.RunForMs(10);
    EXPECT_EQ(stage_.Turn().next_ns, base::kNever);
    EXPECT_FALSE(stage_.TheRenderer().DeviceIsRunning());
}

TEST_F(RendererTest, TurnsOnceMoreForADeviceThatHasSomethingToDoWhenAllWasHeard) {
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage_.Play(client);
    const int64_t rest_ns = stage_.NowNs() + base::kNsPerSecond;
    stage_.Device().RestUntil(rest_ns);
    client.Start();
    stage_.RunForMs(25);
    client.Stop();
    stage_.RunForMs(20);
    EXPECT_FALSE(stage_.TheRenderer().DeviceIsRunning());
    EXPECT_EQ(stage_.Turn().next_ns, rest_ns);
    stage_.Sleep(rest_ns - stage_.NowNs());
    EXPECT_EQ(stage_.Turn().next_ns, base::kNever);
}

TEST_F(RendererTest, FollowsTheMostDemandingStreamThatRuns) {
    FakeClient slow{1, {}};
    FakeClient quick{2, {.format = {}, .period_frames = 120, .buffer_frames = 480}};
    slow.Write(Level(1, 4800));
    quick.Write(Level(1, 480));
    stage_.Play(slow);
    stage_.Play(quick);
    slow.Start();
    EXPECT_EQ(stage_.Turn().next_ns, stage_.NowNs() + kCycleNs);
    stage_.Sleep(kCycleNs);
    quick.Start();
    EXPECT_EQ(stage_.Turn().next_ns, stage_.NowNs() + kCycleNs / 4);
    quick.Stop();
    slow.SetStopThreshold(wire::kNeverStop);
    stage_.Sleep(kCycleNs / 4);
    EXPECT_EQ(stage_.Turn().next_ns, stage_.NowNs() + kCycleNs / 4) << "for a second";
    stage_.RunForMs(1010);
    stage_.Sleep(stage_.Turn().next_ns - stage_.NowNs());
    EXPECT_EQ(stage_.Turn().next_ns, stage_.NowNs() + kCycleNs);
}

TEST_F(RendererTest, PublishesHowLongACycleIs) {
    FakeClient client{1, {.format = {}, .period_frames = 120, .buffer_frames = 480}};
    client.Write(Level(1, 480));
    stage_.Play(client);
    client.Start();
    stage_.Turn();
    EXPECT_EQ(client.Setup().server_block->cycle_ns, kCycleNs / 4);
}

TEST_F(RendererTest, LosesNothingWhenItComesLate) {
    const auto ramp = Ramp(1, 4800);
    FakeClient client{1, {}};
    client.Write(ramp);
    stage_.Play(client);
    client.Start();
    stage_.Turn();
    stage_.Sleep(73 * base::kNsPerMs);
    stage_.Turn();
    EXPECT_EQ(client.Position().frames, 73U * 48);
    ASSERT_GE(stage_.RenderedFrames(), 73U * 48);
    const uint64_t rendered = stage_.RenderedFrames();
    EXPECT_TRUE(std::ranges::equal(stage_.Played(0, rendered),
                                   std::span{ramp}.first(rendered * 4)));
    EXPECT_TRUE(stage_.TakeEvents(Event::kLate).empty());
}

TEST_F(RendererTest, DoesNotMakeGoodWhatItSleptThrough) {
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage_.Play(client);
    client.Start();
    stage_.Turn();
    stage_.Sleep(60 * base::kNsPerSecond);
    stage_.Turn();
    EXPECT_EQ(client.State(), StreamState::kRunning);
    EXPECT_LE(stage_.RenderedFrames(), 2U * Stage::kCycleFrames);
    const auto events = stage_.TakeEvents(Event::kLate);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].a, 60U * 48000 - Stage::kCycleFrames);
}

TEST_F(RendererTest, GoesOnCountingFramesWhenTheDeviceStartsAgain) {
    FakeClient client{1, {}};
    client.Write(Level(1, 480));
    stage_.Play(client);
    client.StartDraining();
    stage_.RunForMs(100);
    const uint64_t rendered = stage_.RenderedFrames();
    client.SeekTo(480);
    client.Write(Level(2, 4800));
    client.Start();
    stage_.RunForMs(15);
    EXPECT_THAT(Samples(stage_.Played(rendered, 960)), Each(2));
    EXPECT_EQ(client.Position().frames, 480U + 480);
}

/** A client whose memory a test watches. */
/** What the loop must hear, and its queue is full. */
class LostReport : public RendererTest {
  protected:
    void FillQueue() {
        while (stage_.TheRenderer().Events().Push({})) {
        }
    }
    void EmptyQueue() { stage_.TakeEvents(Event{0}); }

    /** That the turn wants another soon, and that one is heard. */
    void ExpectToldByTheNextTurn(Event event) {
        EXPECT_EQ(stage_.Turn().next_ns, stage_.NowNs() + 10 * base::kNsPerMs);
        EXPECT_TRUE(stage_.TakeEvents(event).empty());
        EmptyQueue();
        stage_.Sleep(10 * base::kNsPerMs);
        const auto result = stage_.Turn();
        EXPECT_EQ(stage_.TakeEvents(event).size(), 1U);
        EXPECT_EQ(result.next_ns, base::kNever);
        EXPECT_TRUE(result.has_news);
    }
};

TEST_F(LostReport, OfAClosedDeviceIsMadeAgain) {
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage_.Play(client);
    client.Start();
    stage_.Device().SetClosed(true);
    FillQueue();
    ExpectToldByTheNextTurn(Event::kClosed);
    stage_.Device().SetClosed(false);
    stage_.RunForMs(10);
    EXPECT_EQ(client.State(), wire::StreamState::kRunning);
}

TEST_F(LostReport, OfAFailedDeviceIsMadeAgain) {
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage_.Play(client);
    client.Start();
    stage_.RunForMs(20);
    stage_.Device().Fail();
    FillQueue();
    // It is not started again, so it is as one that is closed.
    ExpectToldByTheNextTurn(Event::kClosed);
}

TEST_F(LostReport, OfAStreamsFaultIsMadeAgain) {
    FakeClient liar{1, {}};
    liar.Words().command = UINT64_MAX;
    stage_.Play(liar);
    FillQueue();
    ExpectToldByTheNextTurn(Event::kFault);
}

class Retiring : public RendererTest {
  protected:
    Retiring() : client_{std::make_unique<FakeClient>(1, FakeClient::Options{})} {
        memory_ = client_->WatchMemory();
        stage_.Play(*client_);
        stage_.Turn();
        client_.reset();
    }

    std::unique_ptr<FakeClient> client_;
    std::weak_ptr<const void> memory_;
};

TEST_F(Retiring, KeepsAStreamsMemoryWhileTheAudioThreadMayUseIt) {
    stage_.RemoveAll();
    stage_.TheRenderer().FreeRetired();
    EXPECT_FALSE(memory_.expired());
}

TEST_F(Retiring, DoesNotFreeOnTheAudioThread) {
    stage_.RemoveAll();
    EXPECT_TRUE(stage_.Turn().has_news);
    EXPECT_FALSE(memory_.expired());
}

TEST_F(Retiring, FreesOnTheLoopOnceTheAudioThreadHasLetGo) {
    stage_.RemoveAll();
    stage_.Turn();
    stage_.TheRenderer().FreeRetired();
    EXPECT_TRUE(memory_.expired());
}

TEST_F(Retiring, FreesWithTheNextPlanToo) {
    stage_.RemoveAll();
    stage_.Turn();
    stage_.RemoveAll();
    EXPECT_TRUE(memory_.expired());
}

TEST_F(Retiring, LeavesNothingBehindWhenPlansFollowEachOtherUnseen) {
    for (int i = 0; i < 200; ++i)
        stage_.RemoveAll();
    stage_.Turn();
    stage_.TheRenderer().FreeRetired();
    EXPECT_TRUE(memory_.expired());
}

TEST_F(Retiring, NeverRunsOutOfRoomForOldPlans) {
    for (int i = 0; i < 200; ++i) {
        stage_.RemoveAll();
        stage_.Turn();
    }
    stage_.TheRenderer().FreeRetired();
    EXPECT_TRUE(memory_.expired());
}

}  // namespace
}  // namespace shmd::render
