#include "device/wav_source.h"

#include "tests/unit/device/sound_file.h"
#include "tests/unit/device/temp_dir.h"

#include <sys/stat.h>
#include <bit>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

using audio::SampleFormat;

std::vector<std::byte> ReadFrames(WavSource& source, size_t frames) {
    std::vector<std::byte> bytes(frames * source.Format().FrameBytes());
    source.Read(bytes);
    return bytes;
}

std::string Refusal(const std::string& path, uint32_t rate_hz) {
    try {
        const WavSource source{path, rate_hz};
    } catch (const std::runtime_error& error) {
        return error.what();
    }
    return "";
}

bool Contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

struct Case {
    int sndfile_format;
    SampleFormat format;
    std::vector<std::byte> bytes;
};

std::vector<std::byte> Bytes(std::initializer_list<int> values) {
    std::vector<std::byte> bytes;
    for (const int value : values)
        bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}

TEST(WavSource, GivesWholeNumbersInTheFilesOwnFormatInLittleEndian) {
    const TempDir dir;
    const std::vector<int> samples{0x12345678, INT32_MIN};
    const std::vector<Case> cases{
        {SF_FORMAT_WAV | SF_FORMAT_PCM_U8, SampleFormat::kU8, Bytes({0x92, 0})},
        {SF_FORMAT_AIFF | SF_FORMAT_PCM_S8, SampleFormat::kS8, Bytes({0x12, 0x80})},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_16, SampleFormat::kS16Le,
         Bytes({0x34, 0x12, 0, 0x80})},
        {SF_FORMAT_AIFF | SF_FORMAT_PCM_16, SampleFormat::kS16Le,
         Bytes({0x34, 0x12, 0, 0x80})},
        {SF_FORMAT_FLAC | SF_FORMAT_PCM_16, SampleFormat::kS16Le,
         Bytes({0x34, 0x12, 0, 0x80})},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_24, SampleFormat::kS24_3Le,
         Bytes({0x56, 0x34, 0x12, 0, 0, 0x80})},
        {SF_FORMAT_WAV | SF_FORMAT_PCM_32, SampleFormat::kS32Le,
         Bytes({0x78, 0x56, 0x34, 0x12, 0, 0, 0, 0x80})},
    };
    for (const Case& c : cases) {
        SCOPED_TRACE(c.sndfile_format);
        StoreSamples(dir.File("in"), c.sndfile_format, 48000, 2, samples);
        WavSource source{dir.File("in"), 48000};
        EXPECT_EQ(source.Format(), (audio::StreamFormat{c.format, 48000, 2}));
        EXPECT_EQ(source.Frames(), 1U);
        EXPECT_EQ(ReadFrames(source, 1), c.bytes);
    }
}

TEST(WavSource, GivesFloatsAsTheyAre) {
    const TempDir dir;
    const std::vector<double> samples{1.5, -0.25};
    StoreSamples(dir.File("in"), SF_FORMAT_WAV | SF_FORMAT_FLOAT, 8000, 1, samples);
    WavSource floats{dir.File("in"), 8000};
    EXPECT_EQ(floats.Format().sample, SampleFormat::kFloatLe);
    EXPECT_EQ(ReadFrames(floats, 2), Bytes({0, 0, 0xc0, 0x3f, 0, 0, 0x80, 0xbe}));

    StoreSamples(dir.File("in"), SF_FORMAT_WAV | SF_FORMAT_DOUBLE, 8000, 1, samples);
    WavSource doubles{dir.File("in"), 8000};
    EXPECT_EQ(doubles.Format().sample, SampleFormat::kFloat64Le);
    EXPECT_EQ(ReadFrames(doubles, 1), Bytes({0, 0, 0, 0, 0, 0, 0xf8, 0x3f}));
}

TEST(WavSource, BeginsAgainAfterTheLastFrameWithinOneRead) {
    const TempDir dir;
    const std::vector<int> samples{1 << 24, 2 << 24, 3 << 24};
    StoreSamples(dir.File("in"), SF_FORMAT_AU | SF_FORMAT_PCM_S8, 8000, 1, samples);
    WavSource source{dir.File("in"), 8000};
    EXPECT_EQ(ReadFrames(source, 2), Bytes({1, 2}));
    EXPECT_EQ(ReadFrames(source, 8), Bytes({3, 1, 2, 3, 1, 2, 3, 1}));
    EXPECT_EQ(ReadFrames(source, 2), Bytes({2, 3}));
    EXPECT_EQ(ReadFrames(source, 1), Bytes({1}));
}

TEST(WavSource, ReadsAFileLongerThanOnePartExactly) {
    const TempDir dir;
    std::vector<int> samples(30'001);
    for (size_t i = 0; i < samples.size(); ++i)
        samples[i] = static_cast<int>(i) << 16;
    StoreSamples(dir.File("in"), SF_FORMAT_WAV | SF_FORMAT_PCM_16, 48000, 1, samples);
    WavSource source{dir.File("in"), 48000};
    EXPECT_EQ(ReadFrames(source, samples.size()), LoadSoundFile(dir.File("in")).raw);
}

TEST(WavSource, NamesTheFileAndBothRatesWhenTheyDiffer) {
    const TempDir dir;
    StoreSamples(dir.File("in"), SF_FORMAT_WAV | SF_FORMAT_PCM_16, 44100, 1,
                 std::vector<int>{0});
    const std::string why = Refusal(dir.File("in"), 48000);
    EXPECT_TRUE(Contains(why, dir.File("in"))) << why;
    EXPECT_TRUE(Contains(why, "44100")) << why;
    EXPECT_TRUE(Contains(why, "48000")) << why;
}

TEST(WavSource, RefusesWhatIsNoSoundFile) {
    const TempDir dir;
    std::ofstream{dir.File("text")} << "these are not the samples you are looking for";
    EXPECT_TRUE(Contains(Refusal(dir.File("text"), 48000), dir.File("text")));
    EXPECT_TRUE(Contains(Refusal(dir.File("none"), 48000), "no such file"));
}

TEST(WavSource, RefusesAFifoInsteadOfWaitingForItsWriter) {
    const TempDir dir;
    ASSERT_EQ(::mkfifo(dir.File("fifo").c_str(), 0600), 0);
    EXPECT_TRUE(Contains(Refusal(dir.File("fifo"), 48000), "no regular file"));
}

TEST(WavSource, RefusesAFileWithoutFrames) {
    const TempDir dir;
    StoreSamples(dir.File("in"), SF_FORMAT_WAV | SF_FORMAT_PCM_16, 48000, 1,
                 std::vector<int>{});
    EXPECT_TRUE(Contains(Refusal(dir.File("in"), 48000), "no frames"));
}

TEST(WavSource, RefusesMoreChannelsThanAStreamMayHave) {
    const TempDir dir;
    StoreSamples(dir.File("in"), SF_FORMAT_WAVEX | SF_FORMAT_PCM_16, 48000, 33,
                 std::vector<int>(33));
    EXPECT_TRUE(Contains(Refusal(dir.File("in"), 48000), "33 channels"));
}

TEST(WavSource, RefusesMoreThanItsMemoryLimitWithoutReadingIt) {
    const TempDir dir;
    const std::string path = dir.File("big.au");
    StoreSamples(path, SF_FORMAT_AU | SF_FORMAT_PCM_16, 48000, 1, std::vector<int>{1, 2});
    // A sparse file: AU samples reach to the end of the file when the size is unknown.
    std::fstream{path, std::ios::in | std::ios::out | std::ios::binary}.seekp(8).write(
        "\xff\xff\xff\xff", 4);
    std::filesystem::resize_file(path, WavSource::kMostBytes + 4096);
    EXPECT_TRUE(Contains(Refusal(path, 48000), "512 MiB"));
}

}  // namespace
}  // namespace shmd::device
