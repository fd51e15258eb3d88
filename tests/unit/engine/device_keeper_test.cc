// The card is a double that fails when it is told to (tests/support/card_double). The
// loop's timers are real and are set by the keeper's clock, which a test moves: where
// that is behind, they go off at once, and where it is an hour ahead, never.

#include "engine/device_keeper.h"

#include "device/virtual_device.h"
#include "tests/support/allocation_count.h"
#include "tests/support/fd_checked_test.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/device/card_double.h"
#include "tests/unit/render/stage.h"
#include "tests/unit/render/tap_device.h"

#include <gmock/gmock.h>
#include <cerrno>
#include <optional>

namespace shmd::engine {
namespace {

using base::kNsPerMs;
using base::kNsPerSecond;
using device::CardDouble;
using render::FakeClient;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using wire::StreamState;

constexpr char kCard[] = "card,period=480,buffer=4800";
constexpr uint64_t kAlways = UINT64_MAX;
constexpr int64_t kHourNs = 3600 * kNsPerSecond;

int64_t RealNowNs() {
    return base::SystemClock{}.NowNs();
}

/** A keeper and its runner, wired as the engine does it. */
class DeviceKeeperTest : public test::FdCheckedTest {
  protected:
    /** @param clock_ns  where the keeper's clock stands, from the real one */
    void Begin(int64_t clock_ns, const std::string& spec = kCard,
               std::unique_ptr<device::Device> fallback =
                   std::make_unique<device::VirtualDevice>(device::DeviceSpec{})) {
        clock_.emplace(RealNowNs() + clock_ns);
        card_.SetTime(clock_->NowNs());
        keeper_.emplace(
            loop_, *clock_,
            DeviceKeeper::Options{.spec = spec, .idle_timeout_ns = idle_timeout_ns_},
            std::move(fallback),
            [this](const std::string& line) { lines_.push_back(line); });
        DeviceCallbacks callbacks{
            .on_event = [this](const auto& record) { OnEvent(record); },
            .on_mail = [] {},
            .on_problem = [](const std::string&) {},
            .on_stopped = [this] { keeper_->OnStopped(); },
            .on_recall = [this] { ++recalls_; },
            .on_exchanged = [] {}};
        runner_.emplace("name", keeper_->TakeFirst(), loop_, *clock_,
                        DeviceRunner::Options{}, std::move(callbacks));
        keeper_->Bind(*runner_);
    }

    void OnEvent(const base::EventRecord& record) {
        if (static_cast<render::Event>(record.code) == render::Event::kFailed)
            keeper_->OnFailed();
        if (static_cast<render::Event>(record.code) == render::Event::kClosed)
            keeper_->OnClosed();
    }

    /** Turn the loop until that holds. @return false if it did not within 10 s */
    [[nodiscard]] bool Await(const std::function<bool()>& condition) {
        bool is_late = false;
        loop::Timer deadline{loop_, [&] { is_late = true; }};
        deadline.ArmAtNs(RealNowNs() + 10 * kNsPerSecond);
        while (!is_late && !condition())
            loop_.RunOnce();
        return condition();
    }
    [[nodiscard]] bool AwaitUse(const std::string& what) {
        return Await([&] { return keeper_->Current() == what; });
    }

    /** What has to be done at once is done. */
    void Turn(int turns = 20) {
        for (int turn = 0; turn < turns; ++turn) {
            loop_.Defer([] {});
            loop_.RunOnce();
        }
    }

    /** Ten seconds of stereo S16 are played. */
    FakeClient& Play() {
        client_.emplace(1, FakeClient::Options{.buffer_frames = 480000});
        client_->Write(render::Level(1000, 480000));
        client_->Start();
        runner_->Add(
            MakeStream(runner_->TargetOf(EndpointKind::kPlayback), client_->Setup()));
        return *client_;
    }

    /** Time passes for the card and for who plays on it; the loop turns. */
    void Pass(int64_t ms) {
        for (; ms > 0; ms -= 5) {
            clock_->AdvanceAndSettle(5 * kNsPerMs);
            card_.SetTime(clock_->NowNs());
            runner_->Kick();
            clock_->AdvanceAndSettle(0);
            Turn(2);
        }
    }

    [[nodiscard]] bool IsOpen() {
        return card_.Panel().opens - card_.Panel().closes == 1;
    }

    CardDouble card_{{}};
    loop::Loop loop_;
    std::optional<testing::ManualClock> clock_;
    int64_t idle_timeout_ns_ = 5 * kNsPerSecond;
    std::vector<std::string> lines_;
    int recalls_ = 0;
    std::optional<FakeClient> client_;
    std::optional<DeviceKeeper> keeper_;
    std::optional<DeviceRunner> runner_;
};

TEST_F(DeviceKeeperTest, UsesTheCardThatWorks) {
    Begin(kHourNs);
    EXPECT_EQ(keeper_->Current(), kCard);
    EXPECT_EQ(lines_, std::vector<std::string>{
                          "uses card rw S16_LE, 48000 Hz, 2 channels, period 480, "
                          "buffer 4800"});
}

TEST_F(DeviceKeeperTest, SaysOnceWhyItUsesTheFallback) {
    card_.Panel().open_error = EBUSY;
    Begin(-kHourNs);
    EXPECT_EQ(keeper_->Current(), "");
    ASSERT_TRUE(Await([&] { return card_.Panel().opens > 3; }));
    ASSERT_EQ(lines_.size(), 2U);
    EXPECT_THAT(lines_[0], StartsWith("cannot use card,period=480,buffer=4800: card: "
                                      "open for playback"));
    EXPECT_THAT(lines_[0], HasSubstr("Device or resource busy"));
    EXPECT_EQ(lines_[1], "uses the fallback");
}

TEST_F(DeviceKeeperTest, SaysItAgainWhenTheReasonIsAnother) {
    card_.Panel().open_error = EBUSY;
    Begin(-kHourNs);
    card_.Panel().open_error = EPERM;
    ASSERT_TRUE(Await([&] { return lines_.size() == 3; }));
    EXPECT_THAT(lines_[2], HasSubstr("Operation not permitted"));
}

TEST_F(DeviceKeeperTest, TriesAgainTwoSecondsLater) {
    card_.Panel().open_error = EBUSY;
    Begin(-1900 * kNsPerMs);
    card_.Panel().open_error = 0;
    const int64_t due_ns = clock_->NowNs() + 2 * kNsPerSecond;
    ASSERT_TRUE(AwaitUse(kCard));
    EXPECT_GE(RealNowNs(), due_ns);
    EXPECT_THAT(lines_.back(), StartsWith("uses card rw "));
}

TEST_F(DeviceKeeperTest, DoesNotTryAgainBeforeItIsTime) {
    card_.Panel().open_error = EBUSY;
    Begin(kHourNs);
    card_.Panel().open_error = 0;
    Turn();
    EXPECT_EQ(card_.Panel().opens, 1U);
}

/** A plugin's other end may come without a card's coming. */
TEST_F(DeviceKeeperTest, TriesAgainAPluginThatIsAbsent) {
    card_.Panel().open_error = ENODEV;
    Begin(-kHourNs);
    ASSERT_TRUE(Await([&] { return card_.Panel().opens > 2; }));
    card_.Panel().open_error = 0;
    EXPECT_TRUE(AwaitUse(kCard));
}

TEST_F(DeviceKeeperTest, WaitsToBeToldOfACardThatIsAbsent) {
    Begin(-kHourNs, "hw:31");
    EXPECT_THAT(lines_.front(), StartsWith("cannot use hw:31: "));
    Turn();
    const size_t without = loop_.InFlight();
    keeper_->OnCardsChanged();
    EXPECT_EQ(loop_.InFlight(), without + 1) << "no timer was set before";
}

TEST_F(DeviceKeeperTest, KeepsTheDeviceWhenTheNewSpecIsWrong) {
    Begin(kHourNs);
    EXPECT_THROW(keeper_->SetSpec("card,rate=1", kNsPerSecond), std::invalid_argument);
    EXPECT_THROW(keeper_->SetSpec("nonesuch", kNsPerSecond), std::invalid_argument);
    Turn();
    EXPECT_EQ(keeper_->Current(), kCard);
    EXPECT_TRUE(IsOpen());
}

TEST_F(DeviceKeeperTest, LetsGoOfTheCardBeforeItTakesTheNext) {
    Begin(kHourNs);
    keeper_->SetSpec("card,period=960,buffer=9600", kNsPerSecond);
    ASSERT_TRUE(AwaitUse("card,period=960,buffer=9600"));
    EXPECT_EQ(card_.Panel().opens, 2U);
    EXPECT_TRUE(IsOpen());
    EXPECT_EQ(lines_.size(), 2U);
}

TEST_F(DeviceKeeperTest, HasADeviceWhereThereWasNoMemoryToLookForOne) {
    if (!test::kCanFailAllocations)
        GTEST_SKIP() << "allocations cannot be made to fail in a sanitizer's build";
    Begin(kHourNs);
    for (uint64_t n = 1; n < 64; ++n) {
        const test::FailAllocation failure{n};
        try {
            keeper_->SetSpec(n % 2 == 0 ? kCard : "card,period=960,buffer=9600",
                             kNsPerSecond);
        } catch (const std::exception&) {
            // There was no memory for the spec itself, or for the line in the log.
        }
        ASSERT_EQ(runner_->Device().PlaybackFormat().rate_hz, 48000U) << n;
    }
}

TEST_F(DeviceKeeperTest, RecallsTheRingBeforeItSetsACardAnew) {
    Begin(kHourNs);
    runner_->AddGrant();
    keeper_->SetSpec("card,period=960,buffer=9600", kNsPerSecond);
    Turn();
    EXPECT_EQ(recalls_, 1);
    EXPECT_EQ(keeper_->Current(), kCard);
    runner_->DropGrant();
    EXPECT_TRUE(AwaitUse("card,period=960,buffer=9600"));
}

TEST_F(DeviceKeeperTest, StreamsGoOnOnTheFallbackAndComeBack) {
    Begin(-kHourNs);
    FakeClient& client = Play();
    Pass(100);
    EXPECT_EQ(client.State(), StreamState::kRunning);
    card_.Panel().open_error = ENODEV;
    card_.Fail(ENODEV, testing::kPointerCall);
    Pass(50);
    ASSERT_TRUE(AwaitUse(""));
    EXPECT_THAT(lines_, Contains("lost card,period=480,buffer=4800"));
    const uint64_t lost_at = client.Position().frames;
    Pass(200);
    EXPECT_GT(client.Position().frames, lost_at + 7200);
    card_.Panel().open_error = 0;
    Pass(2000);
    ASSERT_TRUE(AwaitUse(kCard));
    const uint64_t back_at = client.Position().frames;
    Pass(200);
    EXPECT_GT(client.Position().frames, back_at + 7200);
    EXPECT_EQ(client.State(), StreamState::kRunning);
    EXPECT_EQ(client.Count().xruns, 0U);
}

/** It can be opened, and that is all: the loop has other things to do. */
TEST_F(DeviceKeeperTest, LeavesACardThatCannotBeStarted) {
    card_.Fail(EIO, testing::kStartCall, 0, kAlways);
    Begin(kHourNs);
    FakeClient& client = Play();
    Pass(300);
    EXPECT_EQ(keeper_->Current(), "");
    EXPECT_LT(card_.Panel().opens, 4U);
    EXPECT_GT(client.Position().frames, 4800U);
}

TEST_F(DeviceKeeperTest, TriesAgainACardThatCouldNotBeStarted) {
    card_.Fail(EIO, testing::kStartCall, 0, kAlways);
    Begin(-kHourNs);
    Play();
    Pass(100);
    card_.Panel().fault_calls = 0;
    Pass(1500);
    EXPECT_EQ(keeper_->Current(), "");
    Pass(500);
    EXPECT_TRUE(AwaitUse(kCard));
}

/** It may have been plugged in anew: another card, for all that is known. */
TEST_F(DeviceKeeperTest, LooksAtOnceWhenCardsHaveChanged) {
    card_.Fail(EIO, testing::kStartCall, 0, kAlways);
    Begin(-kHourNs);
    Play();
    Pass(100);
    card_.Panel().fault_calls = 0;
    Turn();
    EXPECT_EQ(keeper_->Current(), "");
    keeper_->OnCardsChanged();
    EXPECT_TRUE(AwaitUse(kCard));
}

/** What failed after a long time is opened again at once: it may be as good as new. */
TEST_F(DeviceKeeperTest, TakesTheSameCardAgainThatHasFailedOnce) {
    Begin(kHourNs);
    FakeClient& client = Play();
    Pass(2500);
    card_.Fail(ENODEV, testing::kPointerCall);
    Pass(100);
    EXPECT_EQ(keeper_->Current(), kCard);
    EXPECT_EQ(card_.Panel().opens, 2U);
    EXPECT_EQ(client.State(), StreamState::kRunning);
    EXPECT_EQ(client.Count().xruns, 0U);
}

/** It starts, and fails at once. */
TEST_F(DeviceKeeperTest, LeavesACardThatFailsEachTime) {
    Begin(kHourNs);
    card_.Fail(ENODEV, testing::kPointerCall, 0, kAlways);
    FakeClient& client = Play();
    Pass(300);
    EXPECT_EQ(keeper_->Current(), "");
    EXPECT_LT(card_.Panel().opens, 4U);
    EXPECT_GT(client.Position().frames, 4800U);
}

TEST_F(DeviceKeeperTest, ClosesACardThatNobodyUses) {
    Begin(-kHourNs);
    EXPECT_TRUE(IsOpen());
    ASSERT_TRUE(Await([&] { return !IsOpen(); }));
    EXPECT_EQ(keeper_->Current(), kCard);
}

TEST_F(DeviceKeeperTest, ClosesNoCardBeforeItsLastFramesWereHeard) {
    idle_timeout_ns_ = 0;
    Begin(0);
    const uint32_t latency = runner_->Device().LatencyFrames();
    ASSERT_GT(latency, 0U);
    const int64_t due_ns = clock_->NowNs() + base::MulDiv(latency, kNsPerSecond, 48000);
    ASSERT_TRUE(Await([&] { return !IsOpen(); }));
    EXPECT_GE(RealNowNs(), due_ns);
}

/** A microphone, say, that came back while nobody records. */
TEST_F(DeviceKeeperTest, ClosesACardThatCameBackAndThatNobodyUses) {
    card_.Panel().open_error = EBUSY;
    Begin(-kHourNs);
    card_.Panel().open_error = 0;
    ASSERT_TRUE(AwaitUse(kCard));
    EXPECT_TRUE(Await([&] { return !IsOpen(); }));
}

TEST_F(DeviceKeeperTest, DoesNotCloseACardWhileAClientHasItsRing) {
    Begin(-kHourNs);
    runner_->AddGrant();
    Turn();
    EXPECT_TRUE(IsOpen());
    const size_t without = loop_.InFlight();
    runner_->DropGrant();
    EXPECT_EQ(loop_.InFlight(), without + 1) << "no timer was set before";
    EXPECT_TRUE(Await([&] { return !IsOpen(); }));
}

/** A card that is stopped is asked where it is, and its ring is silenced. */
TEST_F(DeviceKeeperTest, ClosesLaterWhatTheAudioThreadIsAt) {
    auto device = std::make_unique<render::TapDevice>(device::DeviceSpec{});
    int closes = 0;
    device->OnClose([&] { return ++closes == 3; });
    Begin(-kHourNs, "hw:31", std::move(device));
    ASSERT_TRUE(Await([&] { return closes == 3; }));
    Turn();
    EXPECT_EQ(closes, 3);
}

TEST_F(DeviceKeeperTest, TheFirstStreamOpensTheCardAgain) {
    Begin(-kHourNs);
    ASSERT_TRUE(Await([&] { return !IsOpen(); }));
    FakeClient& client = Play();
    Pass(100);
    EXPECT_TRUE(IsOpen());
    EXPECT_EQ(keeper_->Current(), kCard);
    EXPECT_GT(client.Position().frames, 0U);
    EXPECT_EQ(client.State(), StreamState::kRunning);
}

TEST_F(DeviceKeeperTest, TheFirstStreamPlaysOnTheFallbackIfTheCardIsTaken) {
    Begin(-kHourNs);
    ASSERT_TRUE(Await([&] { return !IsOpen(); }));
    card_.Panel().open_error = EBUSY;
    FakeClient& client = Play();
    Pass(200);
    EXPECT_EQ(keeper_->Current(), "");
    EXPECT_GT(client.Position().frames, 0U);
    EXPECT_EQ(client.State(), StreamState::kRunning);
}

}  // namespace
}  // namespace shmd::engine
