#include "device/wav_format.h"

#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>
#include <sndfile.h>

namespace shmd::device {
namespace {

using audio::SampleFormat;

std::vector<std::byte> Bytes(std::initializer_list<int> values) {
    std::vector<std::byte> bytes;
    for (const int value : values)
        bytes.push_back(static_cast<std::byte>(value));
    return bytes;
}

struct Case {
    SampleFormat format;
    int subtype;
    std::vector<std::byte> ours;
    std::vector<std::byte> wav;
};

/** Two samples each; the first has bytes 1, 2, 3 ... from the least. */
std::vector<Case> Cases() {
    return {
        {SampleFormat::kU8, SF_FORMAT_PCM_U8, Bytes({1, 0x80}), Bytes({1, 0x80})},
        {SampleFormat::kS8, SF_FORMAT_PCM_U8, Bytes({1, 0x80}), Bytes({0x81, 0})},
        {SampleFormat::kS16Le, SF_FORMAT_PCM_16, Bytes({1, 2, 0, 0x80}),
         Bytes({1, 2, 0, 0x80})},
        {SampleFormat::kS16Be, SF_FORMAT_PCM_16, Bytes({2, 1, 0x80, 0}),
         Bytes({1, 2, 0, 0x80})},
        {SampleFormat::kS24Le, SF_FORMAT_PCM_24, Bytes({1, 2, 3, 0, 0, 0, 0x80, 0xff}),
         Bytes({1, 2, 3, 0, 0, 0x80})},
        {SampleFormat::kS24Be, SF_FORMAT_PCM_24, Bytes({0, 3, 2, 1, 0xff, 0x80, 0, 0}),
         Bytes({1, 2, 3, 0, 0, 0x80})},
        {SampleFormat::kS24_3Le, SF_FORMAT_PCM_24, Bytes({1, 2, 3, 0, 0, 0x80}),
         Bytes({1, 2, 3, 0, 0, 0x80})},
        {SampleFormat::kS24_3Be, SF_FORMAT_PCM_24, Bytes({3, 2, 1, 0x80, 0, 0}),
         Bytes({1, 2, 3, 0, 0, 0x80})},
        {SampleFormat::kS32Le, SF_FORMAT_PCM_32, Bytes({1, 2, 3, 4, 0, 0, 0, 0x80}),
         Bytes({1, 2, 3, 4, 0, 0, 0, 0x80})},
        {SampleFormat::kS32Be, SF_FORMAT_PCM_32, Bytes({4, 3, 2, 1, 0x80, 0, 0, 0}),
         Bytes({1, 2, 3, 4, 0, 0, 0, 0x80})},
        {SampleFormat::kFloatLe, SF_FORMAT_FLOAT, Bytes({1, 2, 3, 4, 0, 0, 0xc0, 0x7f}),
         Bytes({1, 2, 3, 4, 0, 0, 0xc0, 0x7f})},
        {SampleFormat::kFloatBe, SF_FORMAT_FLOAT, Bytes({4, 3, 2, 1, 0x7f, 0xc0, 0, 0}),
         Bytes({1, 2, 3, 4, 0, 0, 0xc0, 0x7f})},
        {SampleFormat::kFloat64Le, SF_FORMAT_DOUBLE, Bytes({1, 2, 3, 4, 5, 6, 7, 8}),
         Bytes({1, 2, 3, 4, 5, 6, 7, 8})},
        {SampleFormat::kFloat64Be, SF_FORMAT_DOUBLE, Bytes({8, 7, 6, 5, 4, 3, 2, 1}),
         Bytes({1, 2, 3, 4, 5, 6, 7, 8})},
    };
}

TEST(WavFormat, HoldsEveryFormatInTheTypeOfItsOwnWidth) {
    ASSERT_EQ(Cases().size(), audio::kFormatCount);
    for (const Case& c : Cases()) {
        SCOPED_TRACE(audio::FormatName(c.format));
        EXPECT_EQ(WavSubtype(c.format), c.subtype);
        EXPECT_EQ(WavSampleBytes(c.format) * c.ours.size(),
                  audio::SampleBytes(c.format) * c.wav.size());
    }
}

TEST(WavFormat, ConvertsEveryFormatWithoutLosingABit) {
    for (const Case& c : Cases()) {
        SCOPED_TRACE(audio::FormatName(c.format));
        std::vector<std::byte> wav(c.wav.size());
        ConvertToWav(c.format, c.ours, wav);
        EXPECT_EQ(wav, c.wav);
    }
}

TEST(WavFormat, SkipsTheConversionExactlyWhereItChangesNothing) {
    for (const Case& c : Cases())
        EXPECT_EQ(IsWavLayout(c.format), c.ours == c.wav) << audio::FormatName(c.format);
}

TEST(WavFormat, TakesACompressedFileForFloat) {
    EXPECT_EQ(FormatOfSoundFile(SF_FORMAT_WAV | SF_FORMAT_ULAW), SampleFormat::kFloatLe);
}

}  // namespace
}  // namespace shmd::device
