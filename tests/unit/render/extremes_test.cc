#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/stage.h"

#include <gmock/gmock.h>

namespace shmd::render {
namespace {

using wire::DirectPlace;
using wire::StreamState;

/** Numbers at their ends, and words that no honest client writes. */
class Extremes : public test::FdCheckedTest {
  protected:
    static DirectPlace PlaceOf(const FakeClient& client) {
        return DirectPlace::Unpack(client.Setup().server_block->direct.load());
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

}  // namespace
}  // namespace shmd::render
