#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/stage.h"

#include <gmock/gmock.h>
#include <array>

namespace shmd::render {
namespace {

using ::testing::ElementsAreArray;
using wire::DirectPlace;
using wire::StreamState;

/** Numbers at their ends, and words that no honest client writes. */
constexpr uint64_t kHalf = uint64_t{1} << 63;
constexpr std::array kWords{uint64_t{0},
                            uint64_t{1},
                            uint64_t{481},
                            uint64_t{4800},
                            UINT64_C(1) << 32,
                            UINT64_C(1) << 62,
                            (UINT64_C(1) << 62) + 1,
                            kHalf - 2000,
                            kHalf - 1,
                            kHalf,
                            kHalf + 1,
                            kHalf + 2000,
                            UINT64_MAX - 2000,
                            UINT64_MAX - 1,
                            UINT64_MAX};

class Extremes : public test::FdCheckedTest {
  protected:
    static DirectPlace PlaceOf(const FakeClient& client) {
        return DirectPlace::Unpack(client.Setup().server_block->direct.load());
    }

    /** A liar beside a player whose frames arrive as it wrote them. */
    static void LieBesideAVictim(const FakeClient::Options& options, uint64_t start,
                                 uint64_t written, uint64_t threshold) {
        Stage stage;
        FakeClient victim{1, {}};
        const auto ramp = Ramp(-2000, 4800);
        victim.Write(ramp);
        stage.Play(victim);
        FakeClient liar{2, options};
        liar.SeekTo(start);
        wire::ClientBlock& words = liar.Words();
        words.written_frames = written;
        words.stop_threshold_frames = threshold;
        words.avail_min_frames = written;
        words.direct_from = start;
        words.armed = threshold;
        if (options.is_capture)
            stage.Monitor(liar);
        else
            stage.Play(liar);
        victim.Start();
        liar.Start();
        stage.RunForMs(30);
        words.written_frames = start;
        stage.RunForMs(20);
        words.written_frames = threshold;
        words.direct_used = written;
        liar.Drain();
        stage.RunForMs(49);
        EXPECT_THAT(stage.Played(0, 4800), ElementsAreArray(ramp));
        EXPECT_EQ(victim.Position().xruns, 0U);
    }

    Stage stage_;
};

TEST_F(Extremes, AStreamNumberBeyond32BitsIsTheOneThatIsReported) {
    constexpr uint64_t kId = (uint64_t{1} << 32) + 7;
    FakeClient late{kId, {}};
    late.Write(Level(100, 100));
    stage_.Play(late);
    late.Start();
    stage_.RunForMs(100);
    const auto events = stage_.TakeEvents(Event::kUnderrun);
    ASSERT_EQ(events.size(), 1U);
    EXPECT_EQ(events[0].subject, kId);
}

TEST_F(Extremes, TheLastSerialOfACardsRingIsFollowedByOneThatNoClientSays) {
    FakeClient client{1, {}};
    client.Setup().server_block->direct = DirectPlace{UINT32_MAX, {}}.Pack();
    PlaybackSource source{client.Setup(), stage_.Device().PlaybackFormat()};
    source.GrantRing(4800);
    ASSERT_TRUE(source.AllowDirect(0));
    EXPECT_EQ(PlaceOf(client).serial, 1U);
    // It wrote into no ring: its word is 0.
    client.Write(Ramp(1, 480));
    base::EventLog events;
    Counters counters;
    Context context{events, counters};
    EXPECT_FALSE(source.IsDirect(context, 480));
}

TEST_F(Extremes, AGenerationThatBeginsAnewFollowsNoWordOfTheLastOne) {
    FakeClient client{1, {}};
    StreamSetup setup = client.Setup();
    setup.generation = 0;  // after 65,535
    client.Write(Ramp(1, 480));
    client.Words().command = wire::Command{1, UINT16_MAX, wire::Wanted::kRunning}.Pack();
    base::EventLog events;
    Counters counters;
    Context context{events, counters};
    StreamControl control{setup, 48000};
    control.ReadCommand(context, 0);
    EXPECT_EQ(control.State(), StreamState::kIdle);
    client.Words().command = wire::Command{2, 0, wire::Wanted::kRunning}.Pack();
    control.ReadCommand(context, 0);
    EXPECT_EQ(control.State(), StreamState::kRunning);
}

TEST_F(Extremes, AStreamThatMovesToAnotherDeviceIsNotLedAwayByALie) {
    FakeClient client{1, {}};
    client.Write(Ramp(1, 480));
    client.Start();
    base::EventLog events;
    Counters counters;
    Context context{events, counters};
    const audio::StreamFormat& format = stage_.Device().PlaybackFormat();
    PlaybackSource first{client.Setup(), format};
    first.ReadCommand(context, 0);
    client.Words().written_frames = UINT64_C(1) << 62;
    PlaybackSource second{first, format, 0};
    second.GoOnFrom(first, PlaybackSource::Rest::kLost);
    second.ReadCommand(context, 0);
    std::vector<std::byte> block(size_t{480} * format.FrameBytes());
    second.CopyInto(context, block, 0);
    EXPECT_FALSE(second.IsRunning());
    base::EventRecord record;
    ASSERT_TRUE(events.TryPop(record));
    EXPECT_EQ(record.a, static_cast<uint64_t>(Fault::kWritten));
}

// Its arithmetic is looked at by UndefinedBehaviorSanitizer.
TEST_F(Extremes, WordsThatNoHonestClientWritesHurtNoOther) {
    const audio::StreamFormat as_device{};
    const audio::StreamFormat other{audio::SampleFormat::kFloatLe, 44100, 1};
    for (const auto& format : {as_device, other})
        for (const bool is_capture : {false, true})
            for (const uint64_t start : kWords)
                for (const uint64_t written : kWords)
                    for (const uint64_t threshold : {uint64_t{4800}, UINT64_MAX, kHalf})
                        LieBesideAVictim({.format = format, .is_capture = is_capture},
                                         start, written, threshold);
}

}  // namespace
}  // namespace shmd::render
