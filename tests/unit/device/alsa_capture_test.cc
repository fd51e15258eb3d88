#include "device/alsa_capture.h"

#include "base/clock.h"
#include "tests/unit/device/alsa_config.h"
#include "tests/unit/device/alsa_drive.h"
#include "tests/unit/device/temp_dir.h"

#include <fstream>
#include <system_error>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

constexpr int64_t kStartNs = 1'234'567'890'123;

TEST(AlsaCapture, SaysWhichDirectionCouldNotBeOpened) {
    try {
        AlsaCapture device{ParseAlsaSpec("nonesuch")};
        FAIL();
    } catch (const std::system_error& refusal) {
        EXPECT_EQ(refusal.code().value(), ENOENT);
        EXPECT_NE(std::string{refusal.what()}.find("nonesuch: open for capture"),
                  std::string::npos);
    }
}

TEST(AlsaCapture, HasOneDirection) {
    AlsaCapture device{ParseAlsaSpec("null,rate=44100")};
    EXPECT_TRUE(device.HasCapture());
    EXPECT_FALSE(device.HasPlayback());
    EXPECT_EQ(device.PlaybackFormat(), device.CaptureFormat());
    EXPECT_EQ(device.CaptureFormat().rate_hz, 44100U);
    EXPECT_EQ(device.LatencyFrames(), 0U);
}

TEST(AlsaCapture, GivesAsManyFramesAsTimeHasPassed) {
    for (const char* access : {"rw", "mmap"}) {
        AlsaCapture device{
            ParseAlsaSpec(std::string{"null,format=S16_LE,access="} + access)};
        ASSERT_TRUE(device.Setup().is_clockless);
        device.KeepCaptured(true);
        Drive drive{device, 480};
        ASSERT_TRUE(drive.Start(kStartNs));
        for (int64_t now_ns = kStartNs; now_ns <= kStartNs + base::kNsPerSecond;)
            now_ns = drive.Turn(now_ns);
        EXPECT_EQ(drive.captured.size(), size_t{48000} * 4);
        EXPECT_EQ(drive.useless_turns, 0U);
        device.Stop();
    }
}

TEST(AlsaCapture, GivesAFilesFramesInOrder) {
    TempDir dir;
    std::vector<std::byte> noise(size_t{4800} * 4);
    uint32_t state = 1;
    for (std::byte& byte : noise)
        byte = static_cast<std::byte>((state = state * 1664525 + 1013904223) >> 24);
    std::ofstream{dir.File("in"), std::ios::binary}.write(
        reinterpret_cast<const char*>(noise.data()),
        static_cast<std::streamsize>(noise.size()));

    const AlsaConfig config{"pcm.in { type file slave.pcm null file /dev/null infile '" +
                            dir.File("in") + "' }\n"};
    AlsaCapture device{ParseAlsaSpec("in,format=S16_LE")};
    device.KeepCaptured(true);
    Drive drive{device, 480};
    ASSERT_TRUE(drive.Start(kStartNs));
    while (drive.captured.size() < noise.size())
        drive.Turn(device.TimeOfFrameNs(drive.rendered));
    device.Stop();
    EXPECT_EQ(drive.captured, noise);
}

TEST(AlsaCapture, GivesNothingWhileNobodyTakesIt) {
    AlsaCapture device{ParseAlsaSpec("null,format=S16_LE")};
    Drive drive{device, 480};
    ASSERT_TRUE(drive.Start(kStartNs));
    drive.Turn(kStartNs);
    drive.Turn(kStartNs + 20 * base::kNsPerMs);
    EXPECT_TRUE(drive.captured.empty());
    device.KeepCaptured(true);
    drive.Turn(kStartNs + 30 * base::kNsPerMs);
    EXPECT_EQ(drive.captured.size(), size_t{480} * 4);
    device.Stop();
}

TEST(AlsaCapture, StartsAgainWhereTheRendererIs) {
    AlsaCapture device{ParseAlsaSpec("null,format=S16_LE")};
    device.KeepCaptured(true);
    Drive drive{device, 480};
    ASSERT_TRUE(drive.Start(kStartNs));
    drive.Turn(kStartNs);
    drive.Turn(kStartNs + 4 * base::kNsPerMs);
    device.Stop();
    const int64_t again_ns = kStartNs + base::kNsPerSecond;
    ASSERT_TRUE(drive.Start(again_ns));
    EXPECT_EQ(device.PositionFrames(again_ns), 480U);
    EXPECT_EQ(device.TimeOfFrameNs(480), again_ns);
    EXPECT_TRUE(device.Finish());
    ASSERT_TRUE(device.Start(again_ns));
    EXPECT_EQ(device.PositionFrames(again_ns), 0U);
}

}  // namespace
}  // namespace shmd::device
