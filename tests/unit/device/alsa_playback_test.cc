#include "device/alsa_playback.h"

#include "base/clock.h"
#include "tests/unit/device/alsa_config.h"
#include "tests/unit/device/alsa_drive.h"
#include "tests/unit/device/temp_dir.h"

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>
#include <system_error>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

using audio::SampleFormat;

constexpr int64_t kStartNs = 1'234'567'890'123;

std::vector<std::byte> Noise(size_t bytes) {
    std::vector<std::byte> noise(bytes);
    uint32_t state = 1;
    for (std::byte& byte : noise)
        byte = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
    return noise;
}

std::vector<std::byte> ReadAll(const std::string& path) {
    std::ifstream file{path, std::ios::binary};
    const std::vector<char> text{std::istreambuf_iterator<char>{file}, {}};
    std::vector<std::byte> bytes(text.size());
    std::ranges::transform(text, bytes.begin(),
                           [](char c) { return static_cast<std::byte>(c); });
    return bytes;
}

std::system_error RefusalOf(const std::string& text) {
    try {
        AlsaPlayback device{ParseAlsaSpec(text)};
    } catch (const std::system_error& refusal) {
        return refusal;
    }
    return std::system_error{std::error_code{}};
}

TEST(AlsaPlayback, ChoosesWhatKeepsMost) {
    const AlsaPlayback device{ParseAlsaSpec("null")};
    EXPECT_EQ(device.PlaybackFormat(),
              (audio::StreamFormat{
                  .sample = SampleFormat::kS32Le, .rate_hz = 48000, .channels = 2}));
    EXPECT_EQ(device.CaptureFormat(), device.PlaybackFormat());
    EXPECT_TRUE(device.HasPlayback());
    EXPECT_FALSE(device.HasCapture());
    EXPECT_EQ(device.Setup().period_frames, 480U);
    EXPECT_EQ(device.Setup().buffer_frames, 4800U);
    EXPECT_EQ(device.MostCycleFrames(), 3840U);
    EXPECT_EQ(device.Description(),
              "null rw S32_LE, 48000 Hz, 2 channels, period 480, buffer 4800, paced by a "
              "timer");
}

TEST(AlsaPlayback, TakesExactlyWhatItIsTold) {
    const AlsaPlayback device{
        ParseAlsaSpec("null,rate=44101,channels=5,format=FLOAT64_BE,period=100,buffer="
                      "700,access=mmap")};
    EXPECT_EQ(device.PlaybackFormat(),
              (audio::StreamFormat{
                  .sample = SampleFormat::kFloat64Be, .rate_hz = 44101, .channels = 5}));
    EXPECT_EQ(device.Setup().period_frames, 100U);
    EXPECT_EQ(device.Setup().buffer_frames, 700U);
    EXPECT_EQ(device.Setup().access, AlsaAccess::kMmap);
}

TEST(AlsaPlayback, TellsAPcmThatIsNotThereFromOneThatCannot) {
    const std::system_error absent = RefusalOf("nonesuch");
    EXPECT_EQ(absent.code().value(), ENOENT);
    EXPECT_NE(std::string{absent.what()}.find("nonesuch: open for playback"),
              std::string::npos);
    EXPECT_EQ(RefusalOf("hw:31").code().value(), ENOENT);
}

TEST(AlsaPlayback, SaysNothingToStandardError) {
    ::testing::internal::CaptureStderr();
    const std::system_error absent = RefusalOf("nonesuch:1,2");
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
    EXPECT_NE(std::string{absent.what()}.find("(alsa-lib: "), std::string::npos)
        << absent.what();
}

TEST(AlsaPlayback, RefusesABufferOfLessThanThreePeriods) {
    const std::system_error refusal = RefusalOf("null,period=480,buffer=1000");
    EXPECT_EQ(refusal.code().value(), EINVAL);
    EXPECT_NE(std::string{refusal.what()}.find(
                  "period=480,buffer=1000 is not possible for null"),
              std::string::npos)
        << refusal.what();
}

/** A PCM whose parameters are bounded by its plugin: `linear` knows no floats. */
TEST(AlsaPlayback, NamesTheFormatsThatItHasWhenItRefusesOne) {
    const AlsaConfig config{"pcm.l { type linear slave { pcm null format S16_LE } }\n"};
    const std::system_error refusal = RefusalOf("l,format=FLOAT_LE");
    EXPECT_EQ(refusal.code().value(), EINVAL);
    const std::string what = refusal.what();
    EXPECT_NE(what.find("format=FLOAT_LE is not possible for l"), std::string::npos)
        << what;
    EXPECT_NE(what.find("S16_LE"), std::string::npos) << what;
}

/** `multi` has as many channels as it binds. */
TEST(AlsaPlayback, NamesTheRangeThatItHasWhenItRefusesANumber) {
    const AlsaConfig config{
        "pcm.m { type multi slaves.a { pcm null channels 3 } bindings { "
        "0 { slave a channel 0 } 1 { slave a channel 1 } 2 { slave a channel 2 } } }\n"};
    const std::system_error refusal = RefusalOf("m,channels=6");
    EXPECT_EQ(refusal.code().value(), EINVAL);
    const std::string what = refusal.what();
    EXPECT_NE(what.find("channels=6 is not possible for m: 3 is possible"),
              std::string::npos)
        << what;
}

TEST(AlsaPlayback, TakesTheFewestChannelsAboveTwo) {
    const AlsaConfig config{
        "pcm.m { type multi slaves.a { pcm null channels 3 } bindings { "
        "0 { slave a channel 0 } 1 { slave a channel 1 } 2 { slave a channel 2 } } }\n"};
    const AlsaPlayback device{ParseAlsaSpec("m")};
    EXPECT_EQ(device.PlaybackFormat().channels, 3U);
}

TEST(AlsaPlayback, IsPacedByTheTimerWhereThePcmHasNoClock) {
    for (const char* access : {"rw", "mmap"}) {
        AlsaPlayback device{ParseAlsaSpec(std::string{"null,access="} + access)};
        ASSERT_TRUE(device.Setup().is_clockless);
        EXPECT_EQ(device.LatencyFrames(), 0U);
        Drive drive{device, 480};
        ASSERT_TRUE(drive.Start(kStartNs));
        for (int64_t now_ns = kStartNs; now_ns < kStartNs + base::kNsPerSecond;)
            now_ns = drive.Turn(now_ns);
        EXPECT_EQ(drive.useful_turns, 100U);
        EXPECT_EQ(drive.useless_turns, 0U);
        EXPECT_EQ(drive.rendered, 48000U);
        EXPECT_EQ(device.GapFrames(), 0U);
        device.Stop();
    }
}

class AlsaPlaybackToFile : public ::testing::TestWithParam<const char*> {
  public:
    /** A name with a comma in it, as names have. */
    std::string Spec() {
        return "file:'" + Path() + "',raw,format=S16_LE,access=" + GetParam();
    }
    std::string Path() { return dir_.File("a.raw"); }

  private:
    TempDir dir_;
};

TEST_P(AlsaPlaybackToFile, PlaysEachFrameOnceAndInOrder) {
    const auto noise = Noise(size_t{48000} * 4);
    {
        AlsaPlayback device{ParseAlsaSpec(Spec())};
        ASSERT_TRUE(device.Setup().is_clockless);
        Drive drive{device, 1000};  // wraps anywhere in the ring
        drive.to_play = noise;
        ASSERT_TRUE(drive.Start(kStartNs));
        for (int64_t now_ns = kStartNs; drive.rendered < 48000;)
            now_ns = drive.Turn(now_ns);
        device.Stop();
    }
    EXPECT_EQ(ReadAll(Path()), noise);
}

TEST_P(AlsaPlaybackToFile, MakesGoodWhatALateRendererMissed) {
    const auto noise = Noise(size_t{48000} * 4);
    {
        AlsaPlayback device{ParseAlsaSpec(Spec())};
        Drive drive{device, 480};
        drive.to_play = noise;
        ASSERT_TRUE(drive.Start(kStartNs));
        drive.Turn(kStartNs);
        drive.Turn(kStartNs + 500 * base::kNsPerMs);  // five buffers later
        EXPECT_EQ(drive.rendered, 24000U + 480U);
        while (drive.rendered < 48000)
            drive.Turn(device.TimeOfFrameNs(drive.rendered));
        EXPECT_EQ(device.GapFrames(), 0U);
        device.Stop();
    }
    EXPECT_EQ(ReadAll(Path()), noise);
}

TEST_P(AlsaPlaybackToFile, GoesOnAfterAStop) {
    const auto noise = Noise(size_t{4800} * 4);
    {
        AlsaPlayback device{ParseAlsaSpec(Spec())};
        Drive drive{device, 480};
        drive.to_play = noise;
        for (int64_t run = 0; run < 10; ++run) {
            const int64_t now_ns = kStartNs + run * base::kNsPerSecond;
            ASSERT_TRUE(drive.Start(now_ns));
            EXPECT_EQ(device.PositionFrames(now_ns), static_cast<uint64_t>(run) * 480);
            drive.Turn(now_ns);
            device.Stop();
        }
        EXPECT_EQ(drive.rendered, 4800U);
    }
    EXPECT_EQ(ReadAll(Path()), noise);
}

INSTANTIATE_TEST_SUITE_P(Access, AlsaPlaybackToFile, ::testing::Values("rw", "mmap"),
                         [](const auto& one) { return std::string{one.param}; });

TEST(AlsaPlayback, CannotBeStartedWhileItIsClosed) {
    AlsaPlayback device{ParseAlsaSpec("null")};
    ASSERT_TRUE(device.Close());
    EXPECT_FALSE(device.Start(kStartNs));
    EXPECT_FALSE(device.HasFailed());
    device.Open();
    EXPECT_TRUE(device.Start(kStartNs));
    EXPECT_FALSE(device.Close()) << "it is started";
    EXPECT_EQ(device.PositionFrames(kStartNs), 0U);
    device.Stop();
    EXPECT_TRUE(device.Close());
    EXPECT_TRUE(device.Close());
}

TEST(AlsaPlayback, CountsFromNoughtAgainWhenItIsFinished) {
    AlsaPlayback device{ParseAlsaSpec("null")};
    Drive drive{device, 480};
    ASSERT_TRUE(drive.Start(kStartNs));
    drive.Turn(kStartNs);
    EXPECT_TRUE(device.Finish());
    ASSERT_TRUE(device.Start(kStartNs));
    EXPECT_EQ(device.PositionFrames(kStartNs), 0U);
    EXPECT_TRUE(device.Finish());
    EXPECT_TRUE(device.Close());
}

}  // namespace
}  // namespace shmd::device
