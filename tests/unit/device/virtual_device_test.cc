#include "device/virtual_device.h"

#include "base/clock.h"
#include "device/factory.h"
#include "tests/unit/device/sound_file.h"
#include "tests/unit/device/temp_dir.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

using audio::SampleFormat;

constexpr int64_t kStartNs = 1'234'567'890'123;

VirtualDevice Make(const char* text) {
    return VirtualDevice{ParseDeviceSpec(text)};
}

/** Render `frames`, a copy of `bytes`; what was captured meanwhile. */
std::vector<std::byte> Play(Device& device, const std::vector<std::byte>& bytes) {
    const auto frames =
        static_cast<uint32_t>(bytes.size() / device.PlaybackFormat().FrameBytes());
    device.KeepCaptured(true);
    const auto block = device.BeginBlock(frames);
    std::copy(bytes.begin(), bytes.end(), block.begin());
    device.EndBlock(frames);
    std::vector<std::byte> captured;
    for (auto run = device.CapturedBefore(base::kNever); !run.empty();
         run = device.CapturedBefore(base::kNever))
        captured.insert(captured.end(), run.begin(), run.end());
    return captured;
}

TEST(VirtualDevice, PlaysFrameNoughtAtTheTimeOfItsStart) {
    VirtualDevice device = Make("virtual");
    device.Start(kStartNs);
    EXPECT_EQ(device.PositionFrames(kStartNs), 0U);
    EXPECT_EQ(device.TimeOfFrameNs(0), kStartNs);
    EXPECT_EQ(device.PositionFrames(kStartNs + 20'833), 0U);
    EXPECT_EQ(device.PositionFrames(kStartNs + 20'834), 1U);
}

TEST(VirtualDevice, PlaysExactlyItsRateInEveryHourOfADay) {
    for (const uint32_t rate : {4000U, 11025U, 44100U, 47999U, 192001U, 384000U}) {
        VirtualDevice device = Make(("virtual,rate=" + std::to_string(rate)).c_str());
        device.Start(kStartNs);
        for (int64_t seconds = 3600; seconds <= 24 * 3600; seconds += 3600) {
            const int64_t now_ns = kStartNs + seconds * base::kNsPerSecond;
            const uint64_t frames = static_cast<uint64_t>(seconds) * rate;
            EXPECT_EQ(device.PositionFrames(now_ns), frames) << rate << " Hz";
            EXPECT_EQ(device.PositionFrames(now_ns - 1), frames - 1) << rate << " Hz";
            EXPECT_EQ(device.TimeOfFrameNs(frames), now_ns) << rate << " Hz";
        }
    }
}

TEST(VirtualDevice, HasReachedAFrameAtItsTimeAndNotBefore) {
    VirtualDevice device = Make("virtual,rate=44101");
    device.Start(kStartNs);
    for (uint64_t frame = 1; frame < 4'000'000'000'000; frame = frame * 3 + 1) {
        const int64_t due_ns = device.TimeOfFrameNs(frame);
        EXPECT_EQ(device.PositionFrames(due_ns), frame);
        EXPECT_EQ(device.PositionFrames(due_ns - 1), frame - 1);
    }
}

TEST(VirtualDevice, CountsOnAfterStopFromWhatWasRendered) {
    VirtualDevice device = Make("virtual,rate=48000");
    device.Start(kStartNs);
    Play(device, std::vector<std::byte>(480 * 4));
    Play(device, std::vector<std::byte>(96 * 4));
    device.Stop();

    const int64_t again_ns = kStartNs + 3600 * base::kNsPerSecond;
    device.Start(again_ns);
    EXPECT_EQ(device.PositionFrames(again_ns), 576U);
    EXPECT_EQ(device.TimeOfFrameNs(576), again_ns);
    EXPECT_EQ(device.PositionFrames(again_ns + base::kNsPerSecond), 48576U);
    // Frames of before stand as if it had always run at this pace.
    EXPECT_EQ(device.TimeOfFrameNs(576 - 48), again_ns - base::kNsPerMs);
}

TEST(VirtualDevice, StandsStillBeforeTheTimeOfItsStart) {
    VirtualDevice device = Make("virtual");
    device.Start(kStartNs);
    Play(device, std::vector<std::byte>(480 * 4));
    device.Stop();
    device.Start(kStartNs + base::kNsPerSecond);
    EXPECT_EQ(device.PositionFrames(kStartNs), 480U);
}

TEST(VirtualDevice, WorksWithCyclesFrom16FramesToATenthOfASecond) {
    EXPECT_EQ(Make("virtual,rate=48000").LeastCycleFrames(), 16U);
    EXPECT_EQ(Make("virtual,rate=48000").MostCycleFrames(), 4800U);
    EXPECT_EQ(Make("virtual,rate=4001").MostCycleFrames(), 401U);
}

TEST(VirtualDevice, HasOneCycleLengthWhenAPeriodIsGiven) {
    VirtualDevice device = Make("virtual,period=48000");
    EXPECT_EQ(device.LeastCycleFrames(), 48000U);
    EXPECT_EQ(device.MostCycleFrames(), 48000U);
    EXPECT_EQ(device.BeginBlock(48000).size(), 48000U * 4);
}

TEST(VirtualDevice, CapturesWhatItPlays) {
    VirtualDevice device = Make("virtual,format=S24_3BE,channels=5");
    EXPECT_EQ(device.CaptureFormat(), device.PlaybackFormat());
    device.Start(kStartNs);
    const auto bytes = Noise(64 * 15, 1);
    EXPECT_EQ(Play(device, bytes), bytes);
}

TEST(VirtualDevice, CapturesAFileOverAndOverAcrossStops) {
    const TempDir dir;
    const std::vector<int> samples{1 << 24, 2 << 24, 3 << 24};
    StoreSamples(dir.File("in"), SF_FORMAT_AU | SF_FORMAT_PCM_S8, 48000, 1, samples);
    VirtualDevice device{ParseDeviceSpec("virtual,capture=" + dir.File("in"))};
    EXPECT_EQ(device.CaptureFormat(), (audio::StreamFormat{SampleFormat::kS8, 48000, 1}));
    device.Start(kStartNs);
    std::vector<std::byte> captured = Play(device, Noise(4 * 4, 1));
    device.Stop();
    device.Start(kStartNs + base::kNsPerSecond);
    const auto more = Play(device, Noise(4 * 4, 2));
    captured.insert(captured.end(), more.begin(), more.end());
    const std::vector<int> expected{1, 2, 3, 1, 2, 3, 1, 2};
    EXPECT_TRUE(
        std::equal(captured.begin(), captured.end(), expected.begin(), expected.end(),
                   [](std::byte a, int b) { return std::to_integer<int>(a) == b; }));
}

TEST(VirtualDevice, WritesWhatItPlaysToItsWavFileWhenServed) {
    const TempDir dir;
    VirtualDevice device{ParseDeviceSpec("virtual,format=S32_BE,wav=" + dir.File("out"))};
    device.Start(kStartNs);
    Play(device, Noise(100 * 8, 1));
    EXPECT_EQ(LoadSoundFile(dir.File("out")).info.frames, 0);
    EXPECT_EQ(device.Service(), "");
    EXPECT_EQ(LoadSoundFile(dir.File("out")).info.frames, 100);
}

TEST(VirtualDevice, SaysOnceHowManyFramesTheWavFileLacks) {
    const TempDir dir;
    VirtualDevice device{ParseDeviceSpec(
        "virtual,rate=4000,channels=32,format=FLOAT64_LE,wav=" + dir.File("out"))};
    device.Start(kStartNs);
    // 4 s fit in; 41 blocks are 4.1 s.
    for (int i = 0; i < 41; ++i)
        Play(device, std::vector<std::byte>(size_t{400} * 256));
    const std::string problem = device.Service();
    EXPECT_NE(problem.find(dir.File("out")), std::string::npos) << problem;
    EXPECT_NE(problem.find("400 frames"), std::string::npos) << problem;
    EXPECT_EQ(device.Service(), "");
}

TEST(VirtualDevice, LeavesAnOldRecordingWhenItsCaptureFileIsRefused) {
    const TempDir dir;
    std::ofstream{dir.File("old.wav")} << "old";
    EXPECT_THROW((void)MakeDevice("virtual,wav=" + dir.File("old.wav") +
                                  ",capture=" + dir.File("none")),
                 std::runtime_error);
    std::string text;
    std::ifstream{dir.File("old.wav")} >> text;
    EXPECT_EQ(text, "old");
}

TEST(Factory, MakesAVirtualDeviceFromItsSpec) {
    const auto device = MakeDevice("virtual,rate=96000,channels=4,format=FLOAT_LE");
    EXPECT_EQ(device->PlaybackFormat(),
              (audio::StreamFormat{SampleFormat::kFloatLe, 96000, 4}));
}

TEST(Factory, SaysThatACardIsNotThere) {
    EXPECT_THROW((void)MakeDevice("hw:CARD=NoSuchCard"), std::system_error);
}

}  // namespace
}  // namespace shmd::device
