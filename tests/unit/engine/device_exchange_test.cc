// What Attach does where something fails or takes its time. What it plays is in
// device_runner_test.cc.

#include "engine/device_runner.h"
#include "loop/helpers.h"
#include "tests/support/allocation_count.h"
#include "tests/support/fd_checked_test.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/render/stage.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <semaphore>
#include <vector>

namespace shmd::engine {
namespace {

using audio::SampleFormat;
using base::kNsPerMs;
using render::FakeClient;
using render::Ramp;
using render::TapDevice;
using wire::StreamState;

constexpr uid_t kUser = 1002;

class DeviceExchange : public test::FdCheckedTest {
  protected:
    ~DeviceExchange() override {
        runner_.reset();
        helpers_.reset();
    }

    static std::unique_ptr<TapDevice> Tap(uint32_t rate_hz = 48000) {
        return std::make_unique<TapDevice>(
            device::DeviceSpec{.format = {SampleFormat::kS16Le, rate_hz, 2}});
    }

    void Use(std::unique_ptr<device::Device> device) {
        helpers_.emplace(loop_);
        DeviceRunner::Options options;
        options.helpers = &*helpers_;
        runner_.emplace("name", std::move(device), loop_, clock_, options,
                        DeviceCallbacks{.on_event = [](const auto&) {},
                                        .on_mail = [] {},
                                        .on_problem =
                                            [this](const std::string& problem) {
                                                problems_.push_back(problem);
                                            },
                                        .on_stopped = [] {},
                                        .on_recall = [this] { ++recalls_; },
                                        .on_exchanged = [this] { ++exchanges_; }});
    }

    void Play(const FakeClient& client, uid_t uid = 0) {
        render::StreamSetup setup = client.Setup();
        setup.uid = uid;
        runner_->Add(MakeStream(runner_->TargetOf(EndpointKind::kPlayback), setup));
    }

    void RunFor(int64_t ns) {
        clock_.AdvanceAndSettle(0);
        runner_->Kick();
        clock_.AdvanceAndSettle(ns);
    }

    /** Turn the loop until that holds; the helpers may take their time for it. */
    template <typename Condition>
    void Await(Condition condition) {
        while (!condition()) {
            loop_.Defer([] {});
            loop_.RunOnce();
        }
    }

    /** The user's helper does nothing else until it is released. */
    void Hold(uid_t user) {
        helpers_->Run(user, [this] { go_on_.acquire(); });
    }
    void Release(uid_t user) {
        go_on_.release();
        Await([&] { return helpers_->Unfinished(user) == 0; });
        Await([turns = 3]() mutable { return turns-- == 0; });
    }

    loop::Loop loop_;
    testing::ManualClock clock_;
    std::vector<std::string> problems_;
    int exchanges_ = 0;
    int recalls_ = 0;
    std::binary_semaphore go_on_{0};
    std::optional<loop::Helpers> helpers_;
    std::optional<DeviceRunner> runner_;
};

FakeClient ClientAt(uint64_t id, uint32_t rate_hz) {
    return FakeClient{
        id, {.format = {SampleFormat::kS16Le, rate_hz, 2}, .buffer_frames = 48000}};
}

/** What was played on both, as much of it as `of` has. */
std::vector<std::byte> PlayedOn(const TapDevice& first, const TapDevice& second,
                                std::span<const std::byte> of) {
    std::vector<std::byte> played = first.Played();
    played.insert(played.end(), second.Played().begin(), second.Played().end());
    played.resize(of.size());
    return played;
}

TEST_F(DeviceExchange, IsTriedAgainWhereThereIsNoMemoryAndLosesNoFrame) {
    if (!test::kCanFailAllocations)
        GTEST_SKIP() << "allocations cannot be made to fail in a sanitizer's build";
    const auto ramp = Ramp(-12000, 24000);
    bool has_failed = true;
    for (uint64_t n = 1; has_failed; ++n) {
        auto first = Tap();
        const TapDevice& first_tap = *first;
        Use(std::move(first));
        FakeClient client = ClientAt(1, 48000);
        client.Write(ramp);
        client.StartDraining();
        Play(client);
        RunFor(100 * kNsPerMs);
        const auto old = runner_->Detach();
        auto second = Tap();
        const TapDevice& second_tap = *second;
        exchanges_ = 0;
        {
            const test::FailAllocation failure{n};
            runner_->Attach(std::move(second));
            has_failed = failure.HasFailed();
        }
        Await([&] { return exchanges_ > 0; });
        RunFor(600 * kNsPerMs);
        ASSERT_EQ(client.State(), StreamState::kStopped) << n;
        ASSERT_EQ(PlayedOn(first_tap, second_tap, ramp), ramp) << n;
        ASSERT_EQ(exchanges_, 1) << n;
        runner_.reset();
    }
    EXPECT_FALSE(problems_.empty());
}

TEST_F(DeviceExchange, AnswersAndTakesStreamsWhileItHasNoMemory) {
    if (!test::kCanFailAllocations)
        GTEST_SKIP() << "allocations cannot be made to fail in a sanitizer's build";
    Use(Tap());
    runner_->Detach();
    auto second = Tap(44100);
    const TapDevice& second_tap = *second;
    {
        const test::FailAllocation failure{1};
        runner_->Attach(std::move(second));
    }
    ASSERT_EQ(exchanges_, 0);
    EXPECT_EQ(&runner_->Device(), &second_tap);
    EXPECT_FALSE(runner_->DeviceIsRunning());
    EXPECT_EQ(runner_->Scheduling(), Realtime::kNo);
    EXPECT_EQ(runner_->DroppedEvents(), 0U);
    EXPECT_GE(runner_->AudioTimeNs(), 0);
    EXPECT_THROW(runner_->ShareRing(false), std::system_error);
    runner_->Kick();
    runner_->GiveUpRealtime();
    runner_->TakeUpRealtime();
    const FakeClient gone = ClientAt(1, 44100);
    Play(gone);
    runner_->Remove(1);
    FakeClient client = ClientAt(2, 44100);
    const auto ramp = Ramp(-10000, 20000);
    client.Write(ramp);
    client.StartDraining();
    Play(client);
    Await([&] { return exchanges_ == 1; });
    RunFor(600 * kNsPerMs);
    EXPECT_EQ(client.State(), StreamState::kStopped);
    EXPECT_EQ(PlayedOn(TapDevice{device::DeviceSpec{}}, second_tap, ramp), ramp);
}

TEST_F(DeviceExchange, LetsTheOthersGoOnWhileAResamplerIsMade) {
    Use(Tap(48000));
    FakeClient plain_there = ClientAt(1, 44100);
    FakeClient resampled_there = ClientAt(2, 48000);
    for (FakeClient* client : {&plain_there, &resampled_there}) {
        client->Write(render::Level(1000, 48000));
        client->Start();
    }
    Play(plain_there);
    Play(resampled_there, kUser);
    RunFor(100 * kNsPerMs);
    Hold(kUser);
    runner_->Detach();
    const uint64_t plain_frames = plain_there.Position().frames;
    const uint64_t resampled_frames = resampled_there.Position().frames;
    runner_->Attach(Tap(44100));
    RunFor(100 * kNsPerMs);
    EXPECT_GT(plain_there.Position().frames, plain_frames + 4000);
    EXPECT_EQ(resampled_there.Position().frames, resampled_frames);
    Release(kUser);
    RunFor(100 * kNsPerMs);
    EXPECT_GT(resampled_there.Position().frames, resampled_frames + 4000);
    EXPECT_EQ(resampled_there.Count().xruns, 0U);
}

TEST_F(DeviceExchange, GoesOnAtOnceOnADeviceThatNeedsNoResampler) {
    auto first = Tap();
    const TapDevice& first_tap = *first;
    Use(std::move(first));
    FakeClient client = ClientAt(1, 48000);
    const auto ramp = Ramp(-12000, 24000);
    client.Write(ramp);
    client.StartDraining();
    Play(client, kUser);
    RunFor(100 * kNsPerMs);
    Hold(kUser);
    const auto old = runner_->Detach();
    runner_->Attach(Tap(44100));
    RunFor(100 * kNsPerMs);
    runner_->Detach();
    auto third = Tap();
    const TapDevice& third_tap = *third;
    runner_->Attach(std::move(third));
    RunFor(600 * kNsPerMs);
    EXPECT_EQ(client.State(), StreamState::kStopped);
    Release(kUser);
    EXPECT_EQ(PlayedOn(first_tap, third_tap, ramp), ramp);
}

TEST_F(DeviceExchange, ForgetsAStreamThatIsRemovedBeforeItsResamplerIsMade) {
    Use(Tap());
    FakeClient client = ClientAt(1, 48000);
    const auto memory = client.WatchMemory();
    Play(client, kUser);
    Hold(kUser);
    runner_->Detach();
    runner_->Attach(Tap(44100));
    runner_->SetGain(1, 0.5F);
    runner_->Remove(1);
    client.Forget();
    Release(kUser);
    clock_.AdvanceAndSettle(0);
    Await([&] { return memory.expired(); });
    EXPECT_EQ(runner_->Admitted().TotalNs(), 0);
}

TEST_F(DeviceExchange, KeepsTheResamplersFramesWhereBothRatesStay) {
    auto first = Tap();
    const TapDevice& first_tap = *first;
    Use(std::move(first));
    FakeClient client = ClientAt(1, 44100);
    client.Write(render::Level(1000, 40000));
    client.Start();
    Play(client, kUser);
    RunFor(100 * kNsPerMs);
    Hold(kUser);
    const auto old = runner_->Detach();
    auto second = Tap();
    const TapDevice& second_tap = *second;
    runner_->Attach(std::move(second));
    RunFor(100 * kNsPerMs);
    const auto before = render::Samples(first_tap.Played());
    const auto after = render::Samples(second_tap.Played());
    ASSERT_GT(before.size(), 4000U);
    ASSERT_GT(after.size(), 4000U);
    const auto is_whole = [](int16_t sample) { return std::abs(sample - 1000) < 3; };
    EXPECT_TRUE(std::ranges::all_of(std::span{before}.last(2000), is_whole));
    EXPECT_TRUE(std::ranges::all_of(std::span{after}.first(2000), is_whole));
    Release(kUser);
}

TEST_F(DeviceExchange, DoesWhatFollowsARecallWhereThereIsNoMemory) {
    if (!test::kCanFailAllocations)
        GTEST_SKIP() << "allocations cannot be made to fail in a sanitizer's build";
    Use(Tap());
    // The loop's queue takes memory for some functions at a time: at one of them in 16.
    for (uint64_t turn = 0; turn < 96; ++turn) {
        const uint64_t n = 1 + turn % 6;
        int done = 0;
        runner_->AddGrant();
        runner_->Recall([&] { ++done; });
        ASSERT_EQ(done, 0);
        {
            const test::FailAllocation failure{n};
            try {
                runner_->DropGrant();
            } catch (const std::bad_alloc&) {
                // Its session tries again; or the recall's time is over.
            }
        }
        Await([turns = 8, &done]() mutable { return done > 0 || turns-- == 0; });
        EXPECT_EQ(done, 1) << n;
        runner_->Attach(runner_->Detach());
    }
}

}  // namespace
}  // namespace shmd::engine
