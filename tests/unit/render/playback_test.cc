#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/stage.h"

#include <gmock/gmock.h>
#include <algorithm>
#include <cmath>
#include <cstring>

namespace shmd::render {
namespace {

using ::testing::Each;
using ::testing::ElementsAreArray;
using wire::StreamState;

class Playback : public test::FdCheckedTest {
  protected:
    /** A client of the device's own format, with its ring full of `frames`. */
    FakeClient MakeClient(std::span<const std::byte> frames, float gain = 1.0F) {
        FakeClient client{1, {.format = {}, .gain = gain}};
        client.Write(frames);
        return client;
    }

    /** The first sample of each of the frames that were played. */
    std::vector<int16_t> Left(uint64_t frame, uint64_t frames) {
        const auto samples = Samples(stage_.Played(frame, frames));
        std::vector<int16_t> left;
        for (size_t i = 0; i < samples.size(); i += 2)
            left.push_back(samples[i]);
        return left;
    }

    Stage stage_;
};

TEST_F(Playback, CopiesALoneStreamOfTheDevicesFormatBitForBit) {
    const auto ramp = Ramp(1, 4800);
    FakeClient client = MakeClient(ramp);
    stage_.Play(client);
    client.Start();
    stage_.RunForMs(99);
    ASSERT_EQ(stage_.RenderedFrames(), 4800U);
    EXPECT_THAT(stage_.Played(0, 4800), ElementsAreArray(ramp));
}

TEST_F(Playback, DoesNotMixALoneStreamOfTheDevicesFormat) {
    FakeClient client = MakeClient(Ramp(1, 4800));
    stage_.Play(client);
    client.Start();
    stage_.RunForMs(50);
    const Counters& counters = stage_.TheRenderer().Count();
    EXPECT_GT(counters.cycles, 0U);
    EXPECT_EQ(counters.exact_cycles, counters.cycles);
}

TEST_F(Playback, StaysBitForBitAroundTheRingsEnd) {
    const auto ramp = Ramp(-15000, 30000);
    FakeClient client = MakeClient({});
    stage_.Play(client);
    size_t fed = client.Feed(ramp);
    client.Start();
    stage_.RunForMs(500, [&] { fed += client.Feed(std::span{ramp}.subspan(fed)); });
    ASSERT_GE(stage_.RenderedFrames(), 24000U);
    EXPECT_TRUE(std::ranges::equal(stage_.Played(0, 24000),
                                   std::span{ramp}.first(size_t{24000} * 4)));
}

TEST_F(Playback, AddsTwoStreamsAndSaturates) {
    FakeClient one = MakeClient({});
    FakeClient two = MakeClient({});
    for (const auto& [a, b] : {std::pair{100, 200}, {20000, 20000}, {-20000, -20000}}) {
        one.Write(Level(static_cast<int16_t>(a), 480));
        two.Write(Level(static_cast<int16_t>(b), 480));
    }
    stage_.Play(one);
    stage_.Play(two);
    one.Start();
    two.Start();
    stage_.RunForMs(29);
    EXPECT_THAT(Samples(stage_.Played(0, 480)), Each(300));
    EXPECT_THAT(Samples(stage_.Played(480, 480)), Each(32767));
    EXPECT_THAT(Samples(stage_.Played(960, 480)), Each(-32768));
}

TEST_F(Playback, BeginsAtTheFrameThatTheClientNames) {
    FakeClient client{1, {.format = {}, .first_frame = 1'000'003}};
    client.Write(Ramp(5, 4800));
    stage_.Play(client);
    client.Start();
    stage_.Turn();
    EXPECT_EQ(client.Position().frames, 1'000'003U);
    EXPECT_EQ(Left(0, 3), (std::vector<int16_t>{5, 6, 7}));
}

TEST_F(Playback, PublishesTheDevicesOwnPosition) {
    FakeClient client{1, {.format = {}, .first_frame = 77}};
    client.Write(Level(1, 4800));
    stage_.Play(client);
    client.Start();
    int turns = 0;
    for (; turns < 8; ++turns) {
        stage_.RunFor(3'333'333);
        const auto result = stage_.Turn();
        const auto position = client.Position();
        const uint64_t played = stage_.Device().PositionFrames(stage_.NowNs());
        EXPECT_EQ(position.frames, 77 + played);
        EXPECT_EQ(position.time_ns, stage_.Device().TimeOfFrameNs(played));
        EXPECT_LE(position.frames, position.limit_frames);
        EXPECT_GT(result.next_ns, stage_.NowNs());
    }
}

TEST_F(Playback, ReadsAtMostACycleAheadOfTheDevice) {
    FakeClient client = MakeClient(Level(1, 4800));
    stage_.Play(client);
    client.Start();
    stage_.RunForMs(90, [&] {
        const auto position = client.Position();
        EXPECT_LE(position.limit_frames, position.frames + Stage::kCycleFrames);
    });
}

TEST_F(Playback, GoesOnAfterAPauseAtTheFrameWhereItWas) {
    FakeClient client = MakeClient(Ramp(1, 4800));
    stage_.Play(client);
    client.Start();
    stage_.RunForMs(15);
    client.Pause();
    stage_.RunForMs(200);
    EXPECT_EQ(client.State(), StreamState::kPaused);
    const uint64_t paused_at = client.Position().frames;
    EXPECT_EQ(paused_at, client.Position().limit_frames);
    const uint64_t resumed_at = stage_.RenderedFrames();
    client.Resume();
    stage_.RunForMs(15);
    EXPECT_EQ(client.State(), StreamState::kRunning);
    EXPECT_EQ(Left(resumed_at, 1).front(), static_cast<int16_t>(paused_at + 1));
    EXPECT_EQ(client.Position().frames, paused_at + 480);
}

TEST_F(Playback, PlaysNothingWhileItIsPausedAndOthersPlay) {
    FakeClient paused = MakeClient(Level(1000, 4800));
    FakeClient other = MakeClient(Level(7, 4800));
    stage_.Play(paused);
    stage_.Play(other);
    other.Start();
    paused.Start();
    stage_.RunForMs(15);
    paused.Pause();
    stage_.RunForMs(40);
    EXPECT_THAT(Left(960, 480), Each(7));
}

TEST_F(Playback, PausesBeforeItsFirstFrame) {
    FakeClient client = MakeClient(Ramp(1, 4800));
    stage_.Play(client);
    client.Start();
    client.Pause();
    EXPECT_EQ(stage_.Turn().next_ns, base::kNever);
    EXPECT_EQ(client.State(), StreamState::kPaused);
    client.Resume();
    stage_.Turn();
    EXPECT_EQ(Left(0, 2), (std::vector<int16_t>{1, 2}));
}

TEST_F(Playback, BeginsAnewAfterADrop) {
    FakeClient client = MakeClient(Level(1, 4800));
    stage_.Play(client);
    client.Start();
    stage_.RunForMs(15);
    client.Stop();
    stage_.RunForMs(50);
    EXPECT_EQ(client.State(), StreamState::kStopped);
    const uint64_t dropped_at = stage_.RenderedFrames();
    client.SeekTo(100'000);
    client.Write(Level(2, 4800));
    client.Start();
    stage_.RunForMs(15);
    EXPECT_EQ(client.State(), StreamState::kRunning);
    EXPECT_EQ(client.Position().frames, 100'480U);
    EXPECT_THAT(Left(dropped_at, 960), Each(2));
}

TEST_F(Playback, BeginsAnewWhenItNeverSawTheDropBetween) {
    FakeClient client = MakeClient(Level(1, 4800));
    stage_.Play(client);
    client.Start();
    stage_.RunForMs(15);
    client.Stop();
    client.SeekTo(100'000);
    client.Write(Level(2, 4800));
    client.Start();
    stage_.RunForMs(10);
    EXPECT_THAT(Left(960, 480), Each(2));
}

TEST_F(Playback, HearsWhatWasRewrittenBeforeItWasRead) {
    FakeClient client = MakeClient(Level(1, 4800));
    stage_.Play(client);
    client.Start();
    stage_.Turn();
    client.Rewind(4800 - 480);
    client.Write(Level(2, 960));
    stage_.RunForMs(19);
    EXPECT_THAT(Left(0, 480), Each(1));
    EXPECT_THAT(Left(480, 480), Each(2));
}

TEST_F(Playback, IgnoresACommandForOtherParameters) {
    FakeClient client = MakeClient(Level(1, 4800));
    stage_.Play(client);
    client.Words().command =
        wire::Command{.epoch = 1, .generation = 9, .wanted = wire::Wanted::kRunning}
            .Pack();
    EXPECT_EQ(stage_.Turn().next_ns, base::kNever);
    EXPECT_EQ(client.State(), StreamState::kIdle);
}

TEST_F(Playback, AppliesTheGainItBeginsWith) {
    FakeClient client = MakeClient(Level(1000, 4800), 0.5F);
    stage_.Play(client);
    client.Start();
    stage_.RunForMs(15);
    EXPECT_THAT(Left(0, 960), Each(500));
}

TEST_F(Playback, LeavesOutAChannelThatTheDeviceLacks) {
    FakeClient client{1, {.format = {audio::SampleFormat::kS16Le, 48000, 1}}};
    const auto mono = Level(1234, 2400);  // as many samples as 4800 frames of mono
    client.Write(mono);
    stage_.Play(client);
    client.Start();
    stage_.RunForMs(15);
    EXPECT_THAT(Samples(stage_.Played(0, 960)), Each(1234));
}

TEST_F(Playback, KeepsPaceForMinutesAtAnotherRate) {
    constexpr uint32_t kRate = 44100;
    constexpr int64_t kMs = 120'000;
    FakeClient client{1, {.format = {audio::SampleFormat::kS16Le, kRate, 2}}};
    stage_.Play(client);
    stage_.Device().StopKeeping();
    const auto level = Level(1000, 4800);
    client.Feed(level);
    client.Start();
    stage_.RunForMs(kMs, [&] { client.Feed(level); });
    const uint64_t played = stage_.Device().PositionFrames(stage_.NowNs());
    stage_.Turn();
    const auto position = client.Position();
    EXPECT_EQ(position.xruns, 0U);
    EXPECT_EQ(played, uint64_t{48} * kMs);
    EXPECT_EQ(position.frames, kRate * uint64_t{kMs} / 1000);
    // A cycle is read ahead, and what the resampler keeps of the next frames.
    EXPECT_LE(position.limit_frames - position.frames, 441U + 64U);
}

TEST_F(Playback, SoundsTheSameAtAnotherRate) {
    FakeClient client{1, {.format = {audio::SampleFormat::kS16Le, 44100, 2}}};
    stage_.Play(client);
    client.Write(Level(10'000, 4800));
    client.Start();
    stage_.RunForMs(60);
    for (const int16_t sample : Left(960, 960))
        ASSERT_NEAR(sample, 10'000, 3);
}

}  // namespace
}  // namespace shmd::render
