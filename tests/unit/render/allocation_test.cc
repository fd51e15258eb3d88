#include "tests/support/allocation_count.h"
#include "tests/unit/render/stage.h"

#include <gtest/gtest.h>
#include <algorithm>

namespace shmd::render {
namespace {

using audio::SampleFormat;
using audio::StreamFormat;

/** Turns a stage and counts what the turns allocate. */
class Allocation : public ::testing::TestWithParam<uint8_t> {
  protected:
    static SampleFormat Format() { return static_cast<SampleFormat>(GetParam()); }

    static uint64_t CountInTurns(Stage& stage, int turns) {
        stage.Device().StopKeeping();
        const uint64_t before = test::AllocationCount();
        for (int i = 0; i < turns; ++i) {
            stage.Turn();
            stage.Sleep(10 * base::kNsPerMs);
        }
        return test::AllocationCount() - before;
    }

    /** A player, a recorder and one of the monitor, all in `format`, on `device`. */
    static uint64_t CountOf(const StreamFormat& format, const StreamFormat& device) {
        Stage stage{{.format = device, .wav_path = "", .capture_path = ""}};
        FakeClient player{1, {.format = format, .gain = 0.5F}};
        FakeClient recorder{2, {.format = format, .is_capture = true}};
        FakeClient monitor{3, {.format = format, .is_capture = true}};
        const uint32_t frames = std::min(4800U, format.rate_hz / 20);
        player.Write(std::vector<std::byte>(size_t{frames} * format.FrameBytes()));
        stage.Play(player);
        stage.Record(recorder);
        stage.Monitor(monitor);
        for (FakeClient* client : {&player, &recorder, &monitor}) {
            client->Arm();
            client->Start();
        }
        // Long enough for an underrun and overruns.
        const uint64_t count = CountInTurns(stage, 20);
        EXPECT_GT(player.Count().frames, 0U);
        EXPECT_GT(recorder.Count().frames, 0U);
        EXPECT_GT(monitor.Count().frames, 0U);
        EXPECT_EQ(player.Count().xruns, 1U);
        return count;
    }
};

using AllocationInTurns = Allocation;

std::string NameOf(const ::testing::TestParamInfo<uint8_t>& format) {
    return std::string{audio::FormatName(static_cast<SampleFormat>(format.param))};
}

INSTANTIATE_TEST_SUITE_P(EveryFormat, Allocation,
                         ::testing::Range<uint8_t>(1, audio::kFormatCount + 1), NameOf);

TEST_P(Allocation, IsNeverDoneForAStreamOfThisFormat) {
    for (const uint32_t rate_hz : {48000U, 44100U, 8000U, 192000U})
        for (const uint32_t channels : {1U, 2U, 6U})
            EXPECT_EQ(CountOf({Format(), rate_hz, channels}, {}), 0U)
                << rate_hz << " Hz, " << channels << " channels";
}

TEST_P(Allocation, IsNeverDoneForADeviceOfThisFormat) {
    for (const uint32_t channels : {1U, 2U, 8U}) {
        EXPECT_EQ(CountOf({}, {Format(), 44100, channels}), 0U) << channels;
        EXPECT_EQ(CountOf({Format(), 48000, channels}, {Format(), 48000, channels}), 0U)
            << channels;
    }
}

TEST_F(AllocationInTurns, IsNeverDoneForCommandsNewPlansAndFaults) {
    Stage stage;
    FakeClient client{1, {}};
    FakeClient liar{2, {}};
    client.Write(Level(1, 4800));
    stage.Play(client);
    stage.Play(liar);
    liar.Words().written_frames = 10'000;
    liar.Start();
    client.Start();
    uint64_t count = CountInTurns(stage, 2);
    client.Pause();
    count += CountInTurns(stage, 2);
    client.Resume();
    count += CountInTurns(stage, 2);
    client.Drain();
    count += CountInTurns(stage, 2);
    stage.RemoveAll();
    count += CountInTurns(stage, 2);
    EXPECT_EQ(count, 0U);
}

TEST_F(AllocationInTurns, WouldBeSeen) {
    const uint64_t before = test::AllocationCount();
    const auto memory = std::make_unique<FakeClient>(1, FakeClient::Options{});
    EXPECT_GT(test::AllocationCount(), before);
}

}  // namespace
}  // namespace shmd::render
