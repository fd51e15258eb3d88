#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/stage.h"

#include <gmock/gmock.h>
#include <algorithm>
#include <cstring>

namespace shmd::render {
namespace {

using ::testing::Each;
using wire::StreamState;

enum class Kind { kLoopback, kMonitor };

/** A player that plays a ramp, and a recorder of the device. */
class Capture : public test::FdCheckedTest, public ::testing::WithParamInterface<Kind> {
  protected:
    Capture() : player_{1, {}}, recorder_{2, {.format = {}, .is_capture = true}} {
        stage_.Play(player_);
    }

    void Attach(const FakeClient& recorder) {
        if (GetParam() == Kind::kLoopback)
            stage_.Record(recorder);
        else
            stage_.Monitor(recorder);
    }

    void StartPlaying() {
        fed_ += player_.Feed(ramp_);
        player_.Start();
    }

    /** Both clients are awake in time; what is recorded comes to recorded_. */
    void RunForMs(int64_t ms) {
        stage_.RunForMs(ms, [this] {
            fed_ += player_.Feed(std::span{ramp_}.subspan(fed_));
            if (recorder_.State() != StreamState::kRunning) return;
            const auto bytes = recorder_.Read();
            recorded_.insert(recorded_.end(), bytes.begin(), bytes.end());
        });
    }

    /** Whether what was recorded is what was played, from `frame` on. */
    [[nodiscard]] bool IsRecordedFrom(uint64_t frame) const {
        return std::ranges::equal(recorded_, stage_.Played(frame, recorded_.size() / 4));
    }

    Stage stage_;
    FakeClient player_;
    FakeClient recorder_;
    std::vector<std::byte> ramp_ = Ramp(-15000, 30000);
    size_t fed_ = 0;
    std::vector<std::byte> recorded_;
};

INSTANTIATE_TEST_SUITE_P(Of, Capture, ::testing::Values(Kind::kLoopback, Kind::kMonitor),
                         [](const auto& kind) {
                             return kind.param == Kind::kLoopback ? "Loopback"
                                                                  : "Monitor";
                         });

TEST_P(Capture, RecordsWhatIsPlayedBitForBit) {
    Attach(recorder_);
    recorder_.Start();
    StartPlaying();
    RunForMs(500);
    EXPECT_GE(recorded_.size() / 4, 23'000U);
    EXPECT_TRUE(IsRecordedFrom(0));
}

TEST_P(Capture, RecordsNothingBeforeItWasPlayed) {
    Attach(recorder_);
    recorder_.Start();
    StartPlaying();
    for (int i = 0; i < 100; ++i) {
        RunForMs(1);
        const uint64_t played = stage_.Device().PositionFrames(stage_.NowNs());
        ASSERT_LE(recorder_.Position().frames, played);
    }
}

TEST_P(Capture, HasAllThatWasPlayedAtTheTurnThatFollows) {
    Attach(recorder_);
    recorder_.Start();
    StartPlaying();
    RunForMs(35);
    stage_.Turn();
    EXPECT_EQ(recorder_.Position().frames,
              stage_.Device().PositionFrames(stage_.NowNs()));
}

TEST_P(Capture, JoinsWhileOthersPlay) {
    StartPlaying();
    RunForMs(105);
    Attach(recorder_);
    recorder_.Start();
    RunForMs(100);
    ASSERT_GE(recorded_.size() / 4, 3000U);
    // The player's ramp tells at which of the device's frames the recording begins.
    const auto first = static_cast<uint64_t>(Samples(recorded_)[0] + 15000);
    EXPECT_TRUE(IsRecordedFrom(first));
    EXPECT_GE(first, 4800U);
    EXPECT_LE(first, 5040U + 2 * Stage::kCycleFrames);
}

TEST_P(Capture, RecordsSilenceWhenNobodyPlays) {
    Attach(recorder_);
    recorder_.Start();
    RunForMs(50);
    ASSERT_FALSE(recorded_.empty());
    EXPECT_THAT(Samples(recorded_), Each(0));
}

TEST_P(Capture, RecordsNothingWhileItIsPaused) {
    Attach(recorder_);
    recorder_.Start();
    StartPlaying();
    RunForMs(50);
    recorder_.Pause();
    RunForMs(5);
    const uint64_t paused_at = recorder_.Position().frames;
    RunForMs(50);
    EXPECT_EQ(recorder_.Position().frames, paused_at);
    recorder_.Resume();
    RunForMs(50);
    EXPECT_GT(recorder_.Position().frames, paused_at);
    EXPECT_LE(recorder_.Position().frames, paused_at + 2400);
}

TEST_P(Capture, IsOverrunWhenItsRingIsFull) {
    Attach(recorder_);
    recorder_.Start();
    StartPlaying();
    stage_.RunForMs(150,
                    [this] { fed_ += player_.Feed(std::span{ramp_}.subspan(fed_)); });
    EXPECT_EQ(recorder_.State(), StreamState::kXrun);
    EXPECT_EQ(recorder_.Position().xruns, 1U);
    EXPECT_EQ(stage_.TakeEvents(Event::kOverrun).size(), 1U);
    EXPECT_EQ(player_.Position().xruns, 0U);
}

TEST_P(Capture, KeepsWhatWasRecordedBeforeAnOverrun) {
    Attach(recorder_);
    recorder_.Start();
    StartPlaying();
    stage_.RunForMs(150,
                    [this] { fed_ += player_.Feed(std::span{ramp_}.subspan(fed_)); });
    EXPECT_EQ(recorder_.Position().limit_frames, 4800U);
    recorded_ = recorder_.Read();
    EXPECT_TRUE(IsRecordedFrom(0));
}

TEST_P(Capture, GoesOnOverTheOldestFramesWhenItNeverStops) {
    recorder_.SetStopThreshold(wire::kNeverStop);
    Attach(recorder_);
    recorder_.Start();
    StartPlaying();
    stage_.RunForMs(150,
                    [this] { fed_ += player_.Feed(std::span{ramp_}.subspan(fed_)); });
    EXPECT_EQ(recorder_.State(), StreamState::kRunning);
    EXPECT_GT(recorder_.Position().frames, 4800U);
}

TEST_P(Capture, EndsAtOnceWhenItIsDrained) {
    Attach(recorder_);
    recorder_.Start();
    RunForMs(20);
    recorder_.Drain();
    stage_.Turn();
    EXPECT_EQ(recorder_.State(), StreamState::kStopped);
}

TEST_P(Capture, WakesWhenThereIsAPeriodToRead) {
    recorder_.SetAvailMin(1000);
    Attach(recorder_);
    recorder_.Start();
    stage_.Turn();
    recorder_.TakeWake();
    recorder_.Arm();
    stage_.RunForMs(25);
    EXPECT_FALSE(recorder_.TakeWake());
    stage_.RunForMs(10);
    EXPECT_TRUE(recorder_.TakeWake());
}

TEST_P(Capture, ConvertsToTheRecordersFormat) {
    FakeClient wide{
        3, {.format = {audio::SampleFormat::kS32Le, 48000, 2}, .is_capture = true}};
    Attach(wide);
    wide.Start();
    StartPlaying();
    RunForMs(55);
    const auto bytes = wide.Read();
    std::vector<int32_t> samples(bytes.size() / 4);
    std::memcpy(samples.data(), bytes.data(), bytes.size());
    const auto played = Samples(stage_.Played(0, samples.size() / 2));
    ASSERT_GE(samples.size(), 4800U);
    for (size_t i = 0; i < samples.size(); ++i)
        ASSERT_EQ(samples[i], played[i] * 65536) << i;
}

TEST_P(Capture, KeepsPaceAtAnotherRate) {
    constexpr uint32_t kRate = 44100;
    FakeClient other{
        3, {.format = {audio::SampleFormat::kS16Le, kRate, 2}, .is_capture = true}};
    Attach(other);
    other.Start();
    uint64_t frames = 0;
    stage_.RunForMs(20'000, [&] {
        if (other.State() == StreamState::kRunning) frames += other.Read().size() / 4;
    });
    EXPECT_EQ(other.Position().xruns, 0U);
    EXPECT_NEAR(static_cast<double>(frames), 20.0 * kRate, 441 + 1);
}

TEST_P(Capture, HearsOfTheTimeThatAStoppedServerLostAndThePlayerGoesOn) {
    Attach(recorder_);
    StartPlaying();
    recorder_.Start();
    RunForMs(50);
    stage_.TakeEvents(Event::kOverrun);
    stage_.Sleep(5 * base::kNsPerSecond);  // SIGSTOP, SIGCONT
    RunForMs(50);
    EXPECT_EQ(recorder_.State(), StreamState::kXrun);
    EXPECT_EQ(recorder_.Position().xruns, 1U);
    const auto events = stage_.TakeEvents(Event::kOverrun);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_NEAR(static_cast<double>(events[0].a), 5 * 48000, 480);
    // It lost no frame of its own: its position stood still meanwhile.
    EXPECT_EQ(player_.State(), StreamState::kRunning);
    EXPECT_EQ(player_.Position().xruns, 0U);
}

TEST_P(Capture, GoesOnAfterLostTimeIfItLetsItselfBeOverrunAndTheGapIsReported) {
    Attach(recorder_);
    recorder_.SetStopThreshold(wire::kNeverStop);
    StartPlaying();
    recorder_.Start();
    RunForMs(50);
    stage_.Sleep(5 * base::kNsPerSecond);
    RunForMs(50);
    EXPECT_EQ(recorder_.State(), StreamState::kRunning);
    EXPECT_EQ(stage_.TakeEvents(Event::kOverrun).size(), 1U);
    EXPECT_EQ(recorder_.Count().xruns, 1U);
    EXPECT_TRUE(IsRecordedFrom(0));
}

TEST_P(Capture, HearsNothingOfTimeThatIsMadeGood) {
    Attach(recorder_);
    StartPlaying();
    recorder_.Start();
    RunForMs(50);
    stage_.Sleep(40 * base::kNsPerMs);
    RunForMs(50);
    EXPECT_EQ(recorder_.State(), StreamState::kRunning);
    EXPECT_EQ(recorder_.Position().xruns, 0U);
}

}  // namespace
}  // namespace shmd::render
