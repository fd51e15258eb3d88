#include "render/turn_guard.h"
#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/stage.h"

#include <gmock/gmock.h>
#include <algorithm>

namespace shmd::render {
namespace {

using base::kNsPerMs;
using base::kNsPerSecond;
using wire::StreamState;

constexpr int64_t kCycleNs = 10 * kNsPerMs;

// --- the guard by itself

TEST(TurnGuardTest, MeasuresNothingWhileTurnsAreShort) {
    TurnGuard guard;
    guard.NoteTurn(4 * kNsPerMs, kCycleNs);
    EXPECT_FALSE(guard.IsWatching());
    guard.NoteTurn(6 * kNsPerMs, kCycleNs);
    EXPECT_TRUE(guard.IsWatching());
}

TEST(TurnGuardTest, BlamesNoStreamForABusyMachine) {
    TurnGuard guard;
    for (int i = 0; i < 1000; ++i) {
        guard.NoteTurn(kNsPerSecond, kCycleNs);  // by the wall
        EXPECT_FALSE(guard.AddBlock(5 * kNsPerMs, kCycleNs));
    }
}

TEST(TurnGuardTest, BlamesNoStreamForOneLongBlock) {
    TurnGuard guard;
    for (int i = 0; i < 100; ++i) {
        EXPECT_FALSE(guard.AddBlock(400 * kNsPerMs, kCycleNs));
        for (int k = 0; k < 4; ++k)
            EXPECT_FALSE(guard.AddBlock(5 * kNsPerMs, kCycleNs));
    }
}

TEST(TurnGuardTest, WantsAStreamStoppedWhenBlocksTakeTooLongInARow) {
    TurnGuard guard;
    EXPECT_FALSE(guard.AddBlock(20 * kNsPerMs, kCycleNs));
    EXPECT_TRUE(guard.AddBlock(20 * kNsPerMs, kCycleNs));
    int blocks = 1;
    while (!guard.AddBlock(9 * kNsPerMs, kCycleNs))
        ++blocks;
    EXPECT_NEAR(blocks, 24, 1);
}

TEST(TurnGuardTest, StopsMeasuringWhenAllIsWellForAWhile) {
    TurnGuard guard;
    guard.NoteTurn(kCycleNs, kCycleNs);
    int blocks = 0;
    for (; guard.IsWatching(); ++blocks)
        guard.AddBlock(kNsPerMs, kCycleNs);
    EXPECT_EQ(blocks, 64);
}

// --- the renderer with it

int64_t processor_ns = 0;
int64_t block_ns = 0;

/** Each block takes block_ns of a processor that is not there. */
int64_t MadeUpClock() noexcept {
    return processor_ns += block_ns / 2;
}

class Overload : public test::FdCheckedTest {
  protected:
    Overload() {
        block_ns = 0;
        stage_.TheRenderer().MeasureBy(&MadeUpClock);
    }

    /** A stream of that user, which plays silence for a second. */
    FakeClient& Play(uint64_t id, uid_t uid, int64_t cost_ns) {
        FakeClient& client = *clients_.emplace_back(std::make_unique<FakeClient>(
            id, FakeClient::Options{.buffer_frames = 48000}));
        client.Write(Level(0, 48000));
        client.Start();
        stage_.Play(client, uid, cost_ns);
        return client;
    }

    /** Turns that are long by the wall, and blocks that take so much. */
    void RunFor(int64_t ns, int64_t of_a_block_ns) {
        block_ns = 2 * of_a_block_ns;
        stage_.RunFor(ns, [this] { stage_.TheRenderer().NoteTurnTime(kNsPerSecond); });
    }

    std::vector<std::unique_ptr<FakeClient>> clients_;
    Stage stage_;
};

TEST_F(Overload, StopsTheNewestDearStreamOfTheUserWhoTakesMost) {
    FakeClient& victim = Play(1, 1000, 5 * kNsPerMs);
    FakeClient& old = Play(2, 1001, 100 * kNsPerMs);
    FakeClient& newest = Play(3, 1001, 100 * kNsPerMs);
    FakeClient& cheap = Play(4, 1001, kNsPerMs);
    FakeClient& other = Play(5, 1002, 150 * kNsPerMs);
    RunFor(35 * kNsPerMs, 20 * kNsPerMs);
    EXPECT_EQ(newest.State(), StreamState::kXrun);
    EXPECT_EQ(newest.Position().xruns, 1U);
    for (const FakeClient* client : {&victim, &old, &cheap, &other})
        EXPECT_EQ(client->State(), StreamState::kRunning);
    const auto events = stage_.TakeEvents(Event::kOverload);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].subject, 3U);
    EXPECT_EQ(events[0].a, 100'000U);
}

TEST_F(Overload, StopsTheNextWhileItLasts) {
    FakeClient& victim = Play(1, 1000, 5 * kNsPerMs);
    FakeClient& old = Play(2, 1001, 100 * kNsPerMs);
    FakeClient& newest = Play(3, 1001, 100 * kNsPerMs);
    RunFor(55 * kNsPerMs, 20 * kNsPerMs);
    EXPECT_EQ(newest.State(), StreamState::kXrun);
    EXPECT_EQ(old.State(), StreamState::kXrun);
    EXPECT_EQ(victim.State(), StreamState::kRunning);
}

TEST_F(Overload, StopsNoStreamWhileTheProcessorSuffices) {
    FakeClient& client = Play(1, 1000, 500 * kNsPerMs);
    RunFor(500 * kNsPerMs, 7 * kNsPerMs);
    EXPECT_EQ(client.State(), StreamState::kRunning);
    EXPECT_TRUE(stage_.TakeEvents(Event::kOverload).empty());
}

// --- what a client can ask for between two blocks

/** Streams whose resamplers are as large as they get. */
class RestartedStreams : public test::FdCheckedTest {
  protected:
    void Begin(bool is_capture) {
        for (uint64_t id = 1; id <= 8; ++id) {
            FakeClient& client = *clients_.emplace_back(
                std::make_unique<FakeClient>(id, OptionsOf(is_capture)));
            client.SetStopThreshold(wire::kNeverStop);
            client.Start();
            if (is_capture)
                stage_.Record(client);
            else
                stage_.Play(client);
        }
        stage_.Device().StopKeeping();
        stage_.RunForMs(50);
    }

    static FakeClient::Options OptionsOf(bool is_capture) {
        return {.format = {audio::SampleFormat::kFloat64Be, 352801, 32},
                .period_frames = 3528,
                .buffer_frames = 20000,
                .is_capture = is_capture};
    }

    void StartAll() {
        for (const auto& client : clients_)
            client->Start();
    }

    /** The least that one of eight turns takes of a processor that render no block. */
    template <typename Prepare>
    int64_t LeastTurnNs(Prepare prepare) {
        stage_.RunForMs(0);
        int64_t least_ns = INT64_MAX;
        for (int i = 0; i < 8; ++i) {
            prepare();
            stage_.Sleep(kCycleNs / 10);
            const int64_t before_ns = ThreadProcessorTimeNs();
            stage_.Turn();
            least_ns = std::min(least_ns, ThreadProcessorTimeNs() - before_ns);
        }
        stage_.RunForMs(20);
        return least_ns;
    }

    std::vector<std::unique_ptr<FakeClient>> clients_;
    Stage stage_{{.format = {audio::SampleFormat::kS16Le, 48000, 32},
                  .wav_path = "",
                  .capture_path = ""}};
};

TEST_F(RestartedStreams, CostATurnWithoutABlockNoMoreThanOthers) {
    Begin(/*is_capture=*/false);
    const int64_t quiet_ns = LeastTurnNs([] {});
    const int64_t restarted_ns = LeastTurnNs([this] { StartAll(); });
    EXPECT_LT(restarted_ns, 2 * quiet_ns + 20'000);
}

TEST_F(RestartedStreams, RecordFromTheNextCycleOnWhenTheyStartTwiceInOne) {
    Begin(/*is_capture=*/true);
    const FakeClient& recorder = *clients_.back();
    stage_.RunForMs(0);
    StartAll();
    stage_.Sleep(kCycleNs / 10);
    stage_.Turn();
    EXPECT_GT(recorder.Position().frames, 0U);
    StartAll();
    stage_.Sleep(kCycleNs / 10);
    stage_.Turn();
    EXPECT_EQ(recorder.Position().frames, 0U);
    stage_.RunForMs(20);
    EXPECT_GT(recorder.Position().frames, 352801U / 125);
    EXPECT_EQ(recorder.State(), StreamState::kRunning);
}

}  // namespace
}  // namespace shmd::render
