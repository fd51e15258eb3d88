#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/stage.h"

#include <gmock/gmock.h>
#include <algorithm>

namespace shmd::render {
namespace {

using wire::StreamState;

/** A client that lies, beside one that does not. */
class StreamFault : public test::FdCheckedTest {
  protected:
    StreamFault() : liar_{1, {}}, honest_{2, {}}, ramp_{Ramp(-2000, 4800)} {
        liar_.Write(Level(0, 4800));
        honest_.Write(ramp_);
        stage_.Play(liar_);
        stage_.Play(honest_);
        honest_.Start();
    }

    /** Runs; then the liar must be stopped for this fault, and the other one unharmed. */
    void ExpectFault(Fault fault, uint64_t word) {
        stage_.RunForMs(50);
        EXPECT_EQ(liar_.State(), StreamState::kStopped);
        const auto events = stage_.TakeEvents(Event::kFault);
        ASSERT_EQ(events.size(), 1U);
        EXPECT_EQ(events[0].subject, 1U);
        EXPECT_EQ(events[0].a, static_cast<uint64_t>(fault));
        EXPECT_EQ(events[0].b, word);
        EXPECT_TRUE(std::ranges::equal(stage_.Played(0, 2400),
                                       std::span{ramp_}.first(size_t{2400} * 4)));
    }

    Stage stage_;
    FakeClient liar_;
    FakeClient honest_;
    std::vector<std::byte> ramp_;
};

TEST_F(StreamFault, IsAWriterThatClaimsMoreThanItsRingHolds) {
    liar_.Words().written_frames = 4801;
    liar_.Start();
    ExpectFault(Fault::kWritten, 4801);
}

TEST_F(StreamFault, IsAWriterThatClaimsMoreWhileItPlays) {
    liar_.Start();
    stage_.Turn();
    liar_.Words().written_frames = 4800 + 481;
    ExpectFault(Fault::kWritten, 4800 + 481);
}

TEST_F(StreamFault, IsACommandThatIsNone) {
    const uint64_t word =
        wire::Command{.epoch = 1, .generation = 3, .wanted = wire::Wanted{4}}.Pack();
    liar_.Words().command = word;
    ExpectFault(Fault::kCommand, word);
}

TEST_F(StreamFault, IsACommandWithABitThatHasNoMeaning) {
    liar_.Words().command = 0x101;
    ExpectFault(Fault::kCommand, 0x101);
}

TEST_F(StreamFault, IsAStartBeyondAnyFrameCount) {
    liar_.SeekTo(wire::kMaxFrameCount + 1);
    liar_.Start();
    ExpectFault(Fault::kStartFrame, wire::kMaxFrameCount + 1);
}

TEST_F(StreamFault, IsNotAStartAtTheLastFrameCountThatMayBe) {
    liar_.SeekTo(wire::kMaxFrameCount);
    liar_.Write(Level(0, 4800));
    liar_.Start();
    stage_.RunForMs(20);
    EXPECT_EQ(liar_.State(), StreamState::kRunning);
}

TEST_F(StreamFault, IsNotAWriterThatStartsAnewAfterItsCommandWasRead) {
    liar_.Start();
    stage_.Turn();
    stage_.Device().OnBlock([this, once = true]() mutable {
        if (!std::exchange(once, false)) return;
        liar_.Stop();
        liar_.Words().written_frames = 2 * 4800;
    });
    stage_.RunForMs(30);
    EXPECT_TRUE(stage_.TakeEvents(Event::kFault).empty());
    EXPECT_EQ(liar_.State(), StreamState::kStopped);
    EXPECT_EQ(liar_.Count().xruns, 0U);
}

TEST_F(StreamFault, EndsTheStreamForGood) {
    liar_.Words().written_frames = 4801;
    liar_.Start();
    stage_.RunForMs(10);
    liar_.SeekTo(0);
    liar_.Write(Level(0, 4800));
    liar_.Start();
    stage_.RunForMs(10);
    EXPECT_EQ(liar_.State(), StreamState::kStopped);
    EXPECT_EQ(stage_.TakeEvents(Event::kFault).size(), 1U);
}

TEST_F(StreamFault, IsNotAWriterThatGoesBehindTheReader) {
    liar_.SetStopThreshold(wire::kNeverStop);
    liar_.Start();
    stage_.RunForMs(20);
    liar_.Words().written_frames = 0;
    stage_.RunForMs(20);
    EXPECT_EQ(liar_.State(), StreamState::kRunning);
    EXPECT_TRUE(stage_.TakeEvents(Event::kFault).empty());
}

TEST_F(StreamFault, OfARecorderIsToHaveTakenMoreThanThereWas) {
    FakeClient recorder{5, {.format = {}, .is_capture = true}};
    stage_.Record(recorder);
    recorder.Start();
    stage_.RunForMs(20);
    recorder.Words().written_frames = recorder.Position().limit_frames + 1000;
    stage_.RunForMs(10);
    EXPECT_EQ(recorder.State(), StreamState::kStopped);
    EXPECT_EQ(stage_.TakeEvents(Event::kFault).size(), 1U);
}

}  // namespace
}  // namespace shmd::render
