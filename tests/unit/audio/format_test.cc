#include "audio/format.h"

#include <alsa/asoundlib.h>
#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace shmd::audio {
namespace {

std::vector<SampleFormat> AllFormats() {
    std::vector<SampleFormat> formats;
    for (int number = 0; number < 256; ++number)
        if (const auto format = FindFormat(static_cast<uint8_t>(number)))
            formats.push_back(*format);
    return formats;
}

TEST(FindFormat, KnowsTheWireNumbersFromOneToTheCountAndNoOther) {
    const auto formats = AllFormats();
    ASSERT_EQ(formats.size(), kFormatCount);
    EXPECT_EQ(formats.front(), SampleFormat::kU8);
    EXPECT_EQ(formats.back(), SampleFormat::kFloat64Be);
}

TEST(FindFormat, TakesANameInAnyCaseAndNothingElse) {
    EXPECT_EQ(FindFormat("S16_LE"), SampleFormat::kS16Le);
    EXPECT_EQ(FindFormat("s24_3be"), SampleFormat::kS24_3Be);
    for (const char* wrong : {"", "S16", "S16_LE ", "S16_LEX", "MU_LAW"})
        EXPECT_EQ(FindFormat(wrong), std::nullopt) << wrong;
}

TEST(FormatName, IsTheNameThatAlsaUses) {
    for (const SampleFormat format : AllFormats()) {
        const std::string name{FormatName(format)};
        const snd_pcm_format_t theirs = snd_pcm_format_value(name.c_str());
        ASSERT_NE(theirs, SND_PCM_FORMAT_UNKNOWN) << name;
        EXPECT_EQ(snd_pcm_format_name(theirs), name);
        EXPECT_EQ(FindFormat(name), format);
    }
}

TEST(SampleBytes, IsTheWidthThatAlsaUses) {
    for (const SampleFormat format : AllFormats()) {
        const std::string name{FormatName(format)};
        EXPECT_EQ(SampleBytes(format) * 8U,
                  static_cast<uint32_t>(
                      snd_pcm_format_physical_width(snd_pcm_format_value(name.c_str()))))
            << name;
    }
}

TEST(FillSilence, WritesWhatAlsaCallsSilence) {
    for (const SampleFormat format : AllFormats()) {
        const std::string name{FormatName(format)};
        std::vector<std::byte> ours(5 * SampleBytes(format), std::byte{0x55});
        std::vector<std::byte> theirs = ours;
        FillSilence(format, ours);
        snd_pcm_format_set_silence(snd_pcm_format_value(name.c_str()), theirs.data(), 5);
        EXPECT_EQ(ours, theirs) << name;
    }
}

TEST(StreamFormat, CountsTheBytesOfAFrame) {
    const StreamFormat format{
        .sample = SampleFormat::kS24_3Le, .rate_hz = 48000, .channels = 6};
    EXPECT_EQ(format.FrameBytes(), 18U);
}

}  // namespace
}  // namespace shmd::audio
