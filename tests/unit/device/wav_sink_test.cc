#include "device/wav_sink.h"

#include "device/wav_format.h"
#include "tests/unit/device/sound_file.h"
#include "tests/unit/device/temp_dir.h"

#include <sys/resource.h>
#include <algorithm>
#include <atomic>
#include <bit>
#include <csignal>
#include <cstring>
#include <system_error>
#include <thread>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

using audio::SampleFormat;
using audio::StreamFormat;

constexpr size_t kSomeCapacity = size_t{1} << 20;
constexpr StreamFormat kStereo{SampleFormat::kS16Le, 48000, 2};

std::span<const std::byte> Block(const std::vector<std::byte>& bytes, size_t at,
                                 size_t size) {
    return std::span{bytes}.subspan(at, size);
}

/** Write `frames` in odd blocks, draining now and then. */
void Record(const std::string& path, const StreamFormat& format,
            const std::vector<std::byte>& frames) {
    WavSink sink{path, format, kSomeCapacity};
    for (size_t at = 0, count = 1; at < frames.size(); ++count) {
        const size_t size = std::min(count * format.FrameBytes(), frames.size() - at);
        sink.Push(Block(frames, at, size));
        if (count % 5 == 0) sink.Drain();
        at += size;
    }
    EXPECT_EQ(sink.LostFrames(), 0U);
    EXPECT_EQ(sink.Error(), "");
}

std::vector<std::byte> AsWav(SampleFormat format, const std::vector<std::byte>& frames) {
    const size_t samples = frames.size() / audio::SampleBytes(format);
    std::vector<std::byte> wav(samples * WavSampleBytes(format));
    ConvertToWav(format, frames, wav);
    return wav;
}

class WavSinkOfFormat : public ::testing::TestWithParam<int> {};

TEST_P(WavSinkOfFormat, WritesBitForBit) {
    const TempDir dir;
    const auto sample = *audio::FindFormat(static_cast<uint8_t>(GetParam()));
    // One channel and an odd count: a U8 file of odd length; 3 channels: WAVEX.
    for (const uint32_t channels : {1U, 2U, 3U, 32U}) {
        const StreamFormat format{sample, 44100, channels};
        const auto frames = Noise(size_t{1001} * format.FrameBytes(), channels);
        const std::string path = dir.File("out.wav");
        Record(path, format, frames);
        const SoundFile file = LoadSoundFile(path);
        EXPECT_EQ(file.info.frames, 1001);
        EXPECT_EQ(file.info.samplerate, 44100);
        EXPECT_EQ(file.info.channels, static_cast<int>(channels));
        EXPECT_EQ(file.info.format,
                  (channels > 2 ? SF_FORMAT_WAVEX : SF_FORMAT_WAV) | WavSubtype(sample));
        EXPECT_EQ(file.raw, AsWav(sample, frames)) << channels << " channels";
    }
}

INSTANTIATE_TEST_SUITE_P(All, WavSinkOfFormat,
                         ::testing::Range(1, audio::kFormatCount + 1), [](const auto& i) {
                             return std::string{audio::FormatName(
                                 *audio::FindFormat(static_cast<uint8_t>(i.param)))};
                         });

TEST(WavSink, WritesNumbersThatLibsndfileReadsAsTheSameNumbers) {
    const TempDir dir;
    const std::string path = dir.File("s8.wav");
    Record(path, {SampleFormat::kS8, 48000, 1},
           {std::byte{0}, std::byte{0x7f}, std::byte{0x80}});
    EXPECT_EQ(LoadSamples<int>(path), (std::vector<int>{0, 0x7f000000, INT32_MIN}));

    Record(path, {SampleFormat::kS24Be, 48000, 1},
           {std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0xfe}});
    EXPECT_EQ(LoadSamples<int>(path), (std::vector<int>{-512}));

    const auto half = std::bit_cast<std::array<std::byte, 4>>(-0.5F);
    Record(path, {SampleFormat::kFloatLe, 48000, 1}, {half.begin(), half.end()});
    EXPECT_EQ(LoadSamples<float>(path), (std::vector<float>{-0.5F}));
}

TEST(WavSink, LeavesAReadableFileAfterEachDrain) {
    const TempDir dir;
    const std::string path = dir.File("out.wav");
    WavSink sink{path, kStereo, kSomeCapacity};
    EXPECT_EQ(LoadSoundFile(path).info.frames, 0);
    const auto frames = Noise(400, 1);
    sink.Push(Block(frames, 0, 100));
    sink.Drain();
    EXPECT_EQ(LoadSoundFile(path).info.frames, 25);
    sink.Push(Block(frames, 100, 300));
    EXPECT_EQ(LoadSoundFile(path).info.frames, 25);
    sink.Drain();
    EXPECT_EQ(LoadSoundFile(path).raw, frames);
}

TEST(WavSink, WritesWhatIsLeftWhenItIsDestroyed) {
    const TempDir dir;
    const std::string path = dir.File("out.wav");
    const auto frames = Noise(4000, 1);
    { WavSink{path, kStereo, kSomeCapacity}.Push(frames); }
    EXPECT_EQ(LoadSoundFile(path).raw, frames);
}

TEST(WavSink, LosesWholeBlocksAndCountsTheirFramesWhenNobodyDrains) {
    const TempDir dir;
    const std::string path = dir.File("out.wav");
    const auto frames = Noise(480, 1);
    {
        WavSink sink{path, kStereo, 400};
        sink.Push(Block(frames, 0, 300));
        sink.Push(Block(frames, 300, 120));  // 30 frames that do not fit
        sink.Push(Block(frames, 300, 100));
        sink.Push(Block(frames, 400, 4));
        EXPECT_EQ(sink.LostFrames(), 31U);
        sink.Drain();
        sink.Push(Block(frames, 400, 80));
        EXPECT_EQ(sink.LostFrames(), 31U);
    }
    EXPECT_EQ(LoadSoundFile(path).raw, frames);
}

TEST(WavSink, KeepsFramesWholeAcrossTheFifosEnd) {
    const TempDir dir;
    const StreamFormat format{SampleFormat::kS24Be, 48000, 3};
    const auto frames = Noise(size_t{100} * format.FrameBytes(), 1);
    const std::string path = dir.File("out.wav");
    {
        WavSink sink{path, format, 5 * format.FrameBytes() - 1};
        for (size_t at = 0; at < frames.size(); at += 4 * format.FrameBytes()) {
            sink.Push(Block(frames, at, 4 * format.FrameBytes()));
            sink.Drain();
        }
    }
    EXPECT_EQ(LoadSoundFile(path).raw, AsWav(format.sample, frames));
}

TEST(WavSink, HasRoomForFourSecondsWithinItsBounds) {
    EXPECT_EQ(WavSink::CapacityFor({SampleFormat::kU8, 4000, 1}), size_t{1} << 20);
    EXPECT_EQ(WavSink::CapacityFor({SampleFormat::kS32Le, 192000, 8}), 4U * 192000 * 32);
    EXPECT_EQ(WavSink::CapacityFor({SampleFormat::kFloat64Le, 384000, 32}),
              size_t{256} << 20);
}

TEST(WavSink, EndsTheFileWithAWholeFrameAndSaysSoOnceAtTheMostThatWavHolds) {
    const TempDir dir;
    const std::string path = dir.File("out.wav");
    const auto frames = Noise(400, 1);
    {
        WavSink sink{path, kStereo, kSomeCapacity, 103};
        sink.Push(frames);
        sink.Drain();
        EXPECT_NE(sink.Error().find("4 GiB"), std::string::npos);
        sink.Push(frames);
        sink.Drain();
        EXPECT_EQ(sink.Error(), "");
    }
    EXPECT_EQ(LoadSoundFile(path).raw,
              (std::vector<std::byte>{frames.begin(), frames.begin() + 100}));
}

/** Lets this process' files grow to `bytes` only: a disk that is full, without one. */
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) {
        handler_ = std::signal(SIGXFSZ, SIG_IGN);
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit limit{bytes, before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, handler_);
    }

  private:
    void (*handler_)(int) = SIG_DFL;
    rlimit before_{};
};

TEST(WavSink, ReportsAWriteErrorOnceAndLeavesWhatWasWrittenReadable) {
    const TempDir dir;
    const std::string path = dir.File("out.wav");
    const auto frames = Noise(40000, 1);
    {
        const FileSizeLimit limit{8192};
        WavSink sink{path, kStereo, kSomeCapacity};
        EXPECT_EQ(sink.Error(), "");
        sink.Push(frames);
        sink.Drain();
        const std::string error = sink.Error();
        EXPECT_NE(error.find(path), std::string::npos) << error;
        EXPECT_NE(error.find("File too large"), std::string::npos) << error;
        EXPECT_EQ(sink.Error(), "");
        sink.Push(frames);
        sink.Drain();
        EXPECT_EQ(sink.Error(), "");
        EXPECT_EQ(sink.LostFrames(), 0U);
    }
    const auto raw = LoadSoundFile(path).raw;
    ASSERT_GT(raw.size(), 8000U);
    ASSERT_LT(raw.size(), 8192U);
    EXPECT_TRUE(std::equal(raw.begin(), raw.end(), frames.begin()));
}

TEST(WavSink, RefusesAPathThatCannotBeWritten) {
    const TempDir dir;
    try {
        const WavSink sink{dir.File("none/out.wav"), kStereo, kSomeCapacity};
        FAIL() << "it was opened";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), ENOENT);
        EXPECT_NE(std::string{error.what()}.find("none/out.wav"), std::string::npos);
    }
}

TEST(WavSinkTwoThreads, WriteEveryFrameThatWasNotCountedAsLost) {
    const TempDir dir;
    const std::string path = dir.File("out.wav");
    const auto frames = Noise(400'000, 7);
    uint64_t lost_frames = 0;
    {
        WavSink sink{path, kStereo, 8192};
        std::atomic<bool> done{false};
        std::thread audio{[&] {
            for (size_t at = 0; at < frames.size(); at += 400)
                sink.Push(Block(frames, at, 400));
            done.store(true, std::memory_order_release);
        }};
        while (!done.load(std::memory_order_acquire))
            sink.Drain();
        audio.join();
        lost_frames = sink.LostFrames();
    }
    const auto raw = LoadSoundFile(path).raw;
    EXPECT_EQ(raw.size() / 4 + lost_frames, frames.size() / 4);
    // What is there are whole blocks in order: each is found behind the one before.
    size_t at = 0;
    for (size_t block = 0; block < raw.size(); block += 400) {
        while (at < frames.size() && std::memcmp(&frames[at], &raw[block], 400) != 0)
            at += 400;
        ASSERT_LT(at, frames.size()) << "block at byte " << block << " was never pushed";
        at += 400;
    }
}

}  // namespace
}  // namespace shmd::device
