#include "render/render_thread.h"

#include "tests/support/manual_clock.h"
#include "tests/unit/render/confinement.h"
#include "tests/unit/render/stage.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <limits>

namespace shmd::render {
namespace {

using audio::SampleFormat;
using base::kNsPerMs;
using wire::StreamState;

/** A real audio thread on a virtual device, with a clock that the test moves. */
class ThreadStage {
  public:
    explicit ThreadStage(std::function<void(int news_fd)> on_start = {},
                         std::function<void()> on_block = {})
        : news_{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)},
          renderer_{Prepared(device_, std::move(on_block)), 480, counters_},
          thread_{std::in_place, renderer_, clock_,
                  RenderThread::Options{news_.Get(), [this, on_start] {
                                            if (on_start) on_start(news_.Get());
                                        }}} {}

    void Play(const FakeClient& client) {
        plan_.sources.push_back(
            std::make_shared<PlaybackSource>(client.Setup(), device_.PlaybackFormat()));
        Publish();
    }
    void Record(const FakeClient& client) {
        plan_.recorders.push_back(
            std::make_shared<CaptureSink>(client.Setup(), device_.CaptureFormat()));
        Publish();
    }
    /** Take a new plan or command, and let `ns` pass. */
    void RunFor(int64_t ns) {
        clock_.AdvanceAndSettle(0);
        thread_->Kick();
        clock_.AdvanceAndSettle(ns);
    }
    /** Time passes, and the thread does not get to run. */
    void BeHeldUpFor(int64_t ns) {
        clock_.Advance(ns);
        clock_.AdvanceAndSettle(0);
    }
    void Join() { thread_.reset(); }

    [[nodiscard]] uint64_t News() const {
        eventfd_t count = 0;
        return ::eventfd_read(news_.Get(), &count) == 0 ? count : 0;
    }
    Renderer& TheRenderer() { return renderer_; }
    RenderThread& Thread() { return *thread_; }

  private:
    static TapDevice& Prepared(TapDevice& device, std::function<void()> on_block) {
        device.StopKeeping();
        device.OnBlock(std::move(on_block));
        return device;
    }
    void Publish() { renderer_.Publish(std::make_unique<const Plan>(plan_)); }

    base::UniqueFd news_;
    testing::ManualClock clock_;
    TapDevice device_{{}};
    Counters counters_;
    Renderer renderer_;
    Plan plan_;
    std::optional<RenderThread> thread_;
};

TEST(RenderThreadTest, PlaysAsTheClockGoes) {
    ThreadStage stage;
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage.Play(client);
    client.Start();
    stage.RunFor(50 * kNsPerMs);
    EXPECT_EQ(client.State(), StreamState::kRunning);
    EXPECT_EQ(client.Position().frames, 2400U);
}

TEST(RenderThreadTest, SleepsWhenNothingRuns) {
    ThreadStage stage;
    stage.RunFor(1000 * base::kNsPerSecond);
    const uint64_t turns = stage.TheRenderer().Count().turns;
    EXPECT_LE(turns, 2U);
}

TEST(RenderThreadTest, ComputesWithZeroInPlaceOfDenormals) {
    std::atomic<float> product{-1.0F};
    ThreadStage stage{{}, [&] {
                          volatile float least = std::numeric_limits<float>::denorm_min();
                          product = least * 16.0F;
                      }};
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage.Play(client);
    client.Start();
    stage.RunFor(50 * kNsPerMs);
    stage.Join();
    EXPECT_EQ(product, 0.0F);
}

TEST(RenderThreadTest, KnowsHowLateItWasAtMost) {
    ThreadStage stage;
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage.Play(client);
    client.Start();
    stage.RunFor(35 * kNsPerMs);
    EXPECT_EQ(stage.TheRenderer().Count().most_late_ns, 0);
    stage.BeHeldUpFor(30 * kNsPerMs);
    EXPECT_EQ(stage.TheRenderer().Count().most_late_ns, 25 * kNsPerMs);
    stage.BeHeldUpFor(20 * kNsPerMs);
    EXPECT_EQ(stage.TheRenderer().Count().most_late_ns, 25 * kNsPerMs);
}

TEST(RenderThreadTest, TellsTheLoopWhenThereIsNews) {
    ThreadStage stage;
    FakeClient client{1, {}};
    stage.Play(client);
    stage.RunFor(0);
    EXPECT_GT(stage.News(), 0U);  // the old plan can be freed
    stage.RunFor(0);
    EXPECT_EQ(stage.News(), 0U);
}

TEST(RenderThreadTest, TurnsAtOnceWhenItIsKicked) {
    ThreadStage stage;
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage.Play(client);
    stage.RunFor(0);
    client.Start();
    stage.RunFor(0);
    EXPECT_EQ(client.State(), StreamState::kRunning);
}

TEST(RenderThreadTest, KnowsTheProcessorTimeThatItUsed) {
    ThreadStage stage;
    stage.RunFor(0);
    EXPECT_GT(stage.Thread().ProcessorTimeNs(), 0);
}

void RequireInChild(bool condition, const char* what) {
    if (condition) return;
    std::fprintf(stderr, "not so: %s\n", what);
    std::_Exit(1);
}

/** Everything that an audio thread does in its life, under the allow-list. */
[[noreturn]] void LiveConfined() {
    ThreadStage stage{ConfineThisThread};
    FakeClient exact{1, {}};
    exact.Write(Level(1, 4800));
    exact.Arm();
    stage.Play(exact);
    exact.Start();
    stage.RunFor(20 * kNsPerMs);
    RequireInChild(stage.TheRenderer().Count().exact_cycles > 0, "it copies");
    RequireInChild(exact.TakeWake(), "it wakes");

    FakeClient resampled{2, {.format = {SampleFormat::kFloatLe, 44100, 6}, .gain = 0.5F}};
    FakeClient recorder{
        3, {.format = {SampleFormat::kS24_3Le, 96000, 1}, .is_capture = true}};
    resampled.Write(std::vector<std::byte>(size_t{4800} * 24));
    stage.Play(resampled);
    stage.Record(recorder);
    resampled.Start();
    recorder.Start();
    stage.RunFor(40 * kNsPerMs);
    RequireInChild(resampled.Count().frames > 0, "it resamples and mixes");
    RequireInChild(recorder.Count().frames > 0, "it records");

    stage.RunFor(200 * kNsPerMs);
    RequireInChild(exact.State() == StreamState::kXrun, "it notices an underrun");
    RequireInChild(recorder.State() == StreamState::kXrun, "it notices an overrun");
    RequireInChild(stage.News() > 0, "it tells the loop");
    stage.Join();
    std::_Exit(0);
}

[[noreturn]] void CallOutsideTheAllowList() {
    ThreadStage stage{ConfineThisThread, [] { ::getppid(); }};
    FakeClient client{1, {}};
    client.Write(Level(1, 4800));
    stage.Play(client);
    client.Start();
    stage.RunFor(20 * kNsPerMs);
    std::_Exit(0);
}

class RenderThreadDeathTest : public ::testing::Test {
  protected:
    void SetUp() override {
        // A child that begins anew: this program may have other threads by now.
        GTEST_FLAG_SET(death_test_style, "threadsafe");
        if (const std::string why = WhyNotConfinable(); !why.empty()) GTEST_SKIP() << why;
    }
};

TEST_F(RenderThreadDeathTest, MakesNoSystemCallButThoseOfTheAllowList) {
    EXPECT_EXIT(LiveConfined(), ::testing::ExitedWithCode(0), "");
}

TEST_F(RenderThreadDeathTest, WouldBeKilledForAnyOtherSystemCall) {
    EXPECT_EXIT(CallOutsideTheAllowList(), ::testing::KilledBySignal(SIGSYS), "");
}

}  // namespace
}  // namespace shmd::render
