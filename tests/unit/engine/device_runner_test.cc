#include "engine/device_runner.h"

#include "tests/support/allocation_count.h"
#include "tests/support/fd_checked_test.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/render/stage.h"

#include <algorithm>

namespace shmd::engine {
namespace {

using audio::SampleFormat;
using base::kNsPerMs;
using render::FakeClient;
using render::Ramp;
using render::TapDevice;
using wire::StreamState;

/** A device that breaks when it is told to, and counts how often it is served. */
class FragileDevice final : public device::Device {
  public:
    explicit FragileDevice(bool needs_service = false) : needs_service_{needs_service} {}

    [[nodiscard]] const audio::StreamFormat& PlaybackFormat() const noexcept override {
        return device_.PlaybackFormat();
    }
    [[nodiscard]] const audio::StreamFormat& CaptureFormat() const noexcept override {
        return device_.CaptureFormat();
    }
    [[nodiscard]] uint32_t LeastCycleFrames() const noexcept override { return 16; }
    [[nodiscard]] uint32_t MostCycleFrames() const noexcept override { return 4800; }
    bool Start(int64_t now_ns) noexcept override { return device_.Start(now_ns); }
    void Stop() noexcept override { device_.Stop(); }
    [[nodiscard]] uint64_t PositionFrames(int64_t now_ns) noexcept override {
        return HasFailed() ? last_ : last_ = device_.PositionFrames(now_ns);
    }
    [[nodiscard]] int64_t TimeOfFrameNs(uint64_t frame) const noexcept override {
        return device_.TimeOfFrameNs(frame);
    }
    [[nodiscard]] bool HasFailed() const noexcept override { return is_broken_; }
    std::span<std::byte> BeginBlock(uint32_t frames) noexcept override {
        return device_.BeginBlock(frames);
    }
    void EndBlock(uint32_t frames) noexcept override { device_.EndBlock(frames); }
    std::string Service() override {
        ++services_;
        return {};
    }
    [[nodiscard]] bool NeedsService() const noexcept override { return needs_service_; }

    [[nodiscard]] int Services() const { return services_; }
    void Break() { is_broken_ = true; }
    [[nodiscard]] const std::vector<std::byte>& Played() const {
        return device_.Played();
    }

  private:
    TapDevice device_{{}};
    bool needs_service_;
    int services_ = 0;
    uint64_t last_ = 0;
    std::atomic<bool> is_broken_{false};
};

class DeviceRunnerTest : public test::FdCheckedTest {
  protected:
    void Use(std::unique_ptr<device::Device> device) {
        runner_ = std::make_unique<DeviceRunner>(
            "name", std::move(device), loop_, clock_,
            DeviceRunner::Options{.machine = &machine_, .on_audio_start = {}},
            DeviceCallbacks{.on_event =
                                [this](const auto& record) {
                                    events_.push_back(
                                        static_cast<render::Event>(record.code));
                                },
                            .on_mail = [] {},
                            .on_problem = [](const std::string&) {},
                            .on_stopped = [this] { ++stops_; },
                            .on_recall = [] {},
                            .on_exchanged = [] {}});
    }
    void RunFor(int64_t ns) {
        clock_.AdvanceAndSettle(0);
        runner_->Kick();
        clock_.AdvanceAndSettle(ns);
    }

    /** Play for `ns`, in steps after which the loop does what it is woken for. */
    void PlayFor(int64_t ns) {
        for (; ns > 0; ns -= 10 * kNsPerMs) {
            RunFor(10 * kNsPerMs);
            loop_.Defer([] {});
            loop_.RunOnce();
        }
    }
    void PlayToTheEnd(FakeClient& client) {
        client.Write(Ramp(1, 24000));
        client.StartDraining();
        runner_->Add(
            MakeStream(runner_->TargetOf(EndpointKind::kPlayback), client.Setup()));
        PlayFor(400 * kNsPerMs);
        EXPECT_EQ(stops_, 0);
        PlayFor(400 * kNsPerMs);
        EXPECT_EQ(client.State(), StreamState::kStopped);
    }

    loop::Loop loop_;
    testing::ManualClock clock_;
    Admission machine_;
    std::vector<render::Event> events_;
    int stops_ = 0;
    std::unique_ptr<DeviceRunner> runner_;
};

FakeClient LongClient(SampleFormat format = SampleFormat::kS16Le) {
    return FakeClient{1, {.format = {format, 48000, 2}, .buffer_frames = 48000}};
}

TEST_F(DeviceRunnerTest, CountsNothingOfAStreamThatFoundNoMemory) {
    if (!test::kCanFailAllocations)
        GTEST_SKIP() << "allocations cannot be made to fail in a sanitizer's build";
    Use(std::make_unique<TapDevice>(device::DeviceSpec{}));
    FakeClient client = LongClient();
    const MadeStream stream =
        MakeStream(runner_->TargetOf(EndpointKind::kPlayback), client.Setup());
    const auto try_add = [&](uint64_t failing_allocation) {
        const test::FailAllocation failure{failing_allocation};
        try {
            runner_->Add(stream);
            return true;
        } catch (const std::bad_alloc&) {
            return false;
        }
    };
    uint64_t failing = 1;
    for (; !try_add(failing); ++failing) {
        EXPECT_EQ(runner_->Admitted().TotalNs(), 0) << failing;
        EXPECT_EQ(machine_.TotalNs(), 0) << failing;
        EXPECT_EQ(stream.source.use_count(), 1) << failing;
    }
    EXPECT_GT(failing, 5U);
    EXPECT_EQ(machine_.TotalNs(), stream.CostNs());
}

TEST_F(DeviceRunnerTest, PlaysOnOnAnotherDeviceWhereTheFirstHasEnded) {
    auto first = std::make_unique<TapDevice>(device::DeviceSpec{});
    const TapDevice& first_tap = *first;
    Use(std::move(first));
    FakeClient client = LongClient();
    const auto ramp = Ramp(-12000, 24000);
    client.Write(ramp);
    client.Start();
    runner_->Add(MakeStream(runner_->TargetOf(EndpointKind::kPlayback), client.Setup()));
    RunFor(100 * kNsPerMs);
    const auto old = runner_->Detach();
    std::vector<std::byte> played = first_tap.Played();
    EXPECT_LT(played.size(), ramp.size());

    auto second = std::make_unique<TapDevice>(device::DeviceSpec{});
    const TapDevice& second_tap = *second;
    runner_->Attach(std::move(second));
    client.Drain();
    RunFor(600 * kNsPerMs);
    EXPECT_EQ(client.State(), StreamState::kStopped);
    EXPECT_EQ(client.Position().frames, 24000U);
    played.insert(played.end(), second_tap.Played().begin(), second_tap.Played().end());
    ASSERT_GE(played.size(), ramp.size());
    EXPECT_TRUE(std::ranges::equal(std::span{played}.first(ramp.size()), ramp));
}

TEST_F(DeviceRunnerTest, PlaysOnOnADeviceWithAnotherFormat) {
    Use(std::make_unique<TapDevice>(device::DeviceSpec{}));
    FakeClient client = LongClient();
    client.Write(render::Level(1000, 24000));
    client.StartDraining();
    runner_->Add(MakeStream(runner_->TargetOf(EndpointKind::kPlayback), client.Setup()));
    RunFor(100 * kNsPerMs);
    runner_->Detach();
    auto second = std::make_unique<TapDevice>(
        device::DeviceSpec{.format = {SampleFormat::kS32Le, 44100, 4}});
    const TapDevice& second_tap = *second;
    runner_->Attach(std::move(second));
    RunFor(600 * kNsPerMs);
    EXPECT_EQ(client.State(), StreamState::kStopped);
    EXPECT_EQ(client.Position().frames, 24000U);
    EXPECT_EQ(client.Count().xruns, 0U);
    // 0.4 s less a cycle, at most, and the resampler's tail.
    EXPECT_GT(second_tap.Played().size(), size_t{44100} * 16 * 36 / 100);
}

TEST_F(DeviceRunnerTest, PlaysAgainWhatAFailedDeviceHadNotReached) {
    auto first = std::make_unique<FragileDevice>();
    FragileDevice& fragile = *first;
    Use(std::move(first));
    FakeClient client = LongClient();
    const auto ramp = Ramp(-12000, 24000);
    client.Write(ramp);
    client.StartDraining();
    runner_->Add(MakeStream(runner_->TargetOf(EndpointKind::kPlayback), client.Setup()));
    RunFor(100 * kNsPerMs);
    const uint64_t reached = client.Position().frames;
    fragile.Break();
    RunFor(50 * kNsPerMs);
    EXPECT_EQ(client.Position().frames, reached);

    const auto old = runner_->Detach();
    EXPECT_EQ(events_, std::vector{render::Event::kFailed});
    auto second = std::make_unique<TapDevice>(device::DeviceSpec{});
    const TapDevice& second_tap = *second;
    runner_->Attach(std::move(second));
    RunFor(600 * kNsPerMs);
    EXPECT_EQ(client.State(), StreamState::kStopped);
    EXPECT_EQ(client.Position().frames, 24000U);
    const auto rest = std::span{ramp}.subspan(reached * 4);
    ASSERT_GE(second_tap.Played().size(), rest.size());
    EXPECT_TRUE(
        std::ranges::equal(std::span{second_tap.Played()}.first(rest.size()), rest));
}

TEST_F(DeviceRunnerTest, NeverGoesBackToFramesThatTheirClientMayHaveOverwritten) {
    auto first = std::make_unique<FragileDevice>();
    FragileDevice& fragile = *first;
    Use(std::move(first));
    FakeClient client{1, {.buffer_frames = 4800}};
    client.Write(render::Level(1, 4800));
    client.Start();
    runner_->Add(MakeStream(runner_->TargetOf(EndpointKind::kPlayback), client.Setup()));
    RunFor(50 * kNsPerMs);
    // A client may count on to the limit by its own clock.
    client.Write(render::Level(2, static_cast<uint32_t>(client.Position().limit_frames)));
    fragile.Break();
    RunFor(0);
    runner_->Detach();
    runner_->Attach(std::make_unique<TapDevice>(device::DeviceSpec{}));
    RunFor(50 * kNsPerMs);
    EXPECT_EQ(client.State(), StreamState::kRunning);
}

TEST_F(DeviceRunnerTest, RecordsOnFromAnotherDevice) {
    Use(std::make_unique<TapDevice>(device::DeviceSpec{}));
    FakeClient client{1, {.buffer_frames = 48000, .is_capture = true}};
    client.Start();
    runner_->Add(MakeStream(runner_->TargetOf(EndpointKind::kCapture), client.Setup()));
    RunFor(100 * kNsPerMs);
    const uint64_t before = client.Position().frames;
    EXPECT_GE(before, 4000U);
    runner_->Detach();
    runner_->Attach(std::make_unique<TapDevice>(device::DeviceSpec{}));
    RunFor(100 * kNsPerMs);
    EXPECT_EQ(client.State(), StreamState::kRunning);
    EXPECT_GE(client.Position().frames, before + 4000);
}

TEST_F(DeviceRunnerTest, CountsOnWithTheNextDevice) {
    Use(std::make_unique<TapDevice>(device::DeviceSpec{}));
    FakeClient client = LongClient();
    client.Write(Ramp(1, 24000));
    client.Start();
    runner_->Add(MakeStream(runner_->TargetOf(EndpointKind::kPlayback), client.Setup()));
    RunFor(100 * kNsPerMs);
    const uint64_t before = runner_->Count().cycles;
    runner_->Attach(runner_->Detach());
    RunFor(100 * kNsPerMs);
    EXPECT_GT(before, 0U);
    EXPECT_GT(runner_->Count().cycles, before);
}

TEST_F(DeviceRunnerTest, IsNotWokenForADeviceWithoutFilesUntilItHasStopped) {
    auto device = std::make_unique<FragileDevice>();
    const FragileDevice& counting = *device;
    Use(std::move(device));
    FakeClient client = LongClient();
    PlayToTheEnd(client);
    EXPECT_EQ(counting.Services(), 1);
    EXPECT_EQ(stops_, 1);
}

TEST_F(DeviceRunnerTest, ServesADeviceThatWritesFilesWhileItRuns) {
    auto device = std::make_unique<FragileDevice>(true);
    const FragileDevice& counting = *device;
    Use(std::move(device));
    FakeClient client = LongClient();
    PlayToTheEnd(client);
    EXPECT_GT(counting.Services(), 3);
    EXPECT_EQ(stops_, 1);
}

}  // namespace
}  // namespace shmd::engine
