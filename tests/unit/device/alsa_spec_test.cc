#include "device/alsa_spec.h"

#include <stdexcept>
#include <string>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

using audio::SampleFormat;

std::string RefusalOf(const char* text) {
    try {
        ParseAlsaSpec(text);
    } catch (const std::invalid_argument& refusal) {
        return refusal.what();
    }
    return "";
}

TEST(AlsaSpec, LeavesOpenWhatIsNotGiven) {
    const AlsaSpec spec = ParseAlsaSpec("hw:0");
    EXPECT_EQ(spec.pcm_name, "hw:0");
    EXPECT_FALSE(spec.rate_hz || spec.channels || spec.format || spec.access);
    EXPECT_FALSE(spec.period_frames || spec.buffer_frames);
}

TEST(AlsaSpec, TakesEveryKeyInAnyOrder) {
    const AlsaSpec spec = ParseAlsaSpec(
        "hw:1,buffer=4800,period=480,format=s24_3le,channels=6,rate=96000,access=rw,"
        "interrupts=on");
    EXPECT_EQ(spec, (AlsaSpec{.pcm_name = "hw:1",
                              .rate_hz = 96000,
                              .channels = 6,
                              .format = SampleFormat::kS24_3Le,
                              .period_frames = 480,
                              .buffer_frames = 4800,
                              .access = AlsaAccess::kReadWrite,
                              .interrupts = true}));
    EXPECT_EQ(ParseAlsaSpec("x,access=mmap").access, AlsaAccess::kMmap);
    EXPECT_EQ(ParseAlsaSpec("x,interrupts=off").interrupts, false);
}

TEST(AlsaSpec, TakesAutoForWhatIsNotGiven) {
    EXPECT_EQ(ParseAlsaSpec("hw:0,rate=auto,channels=auto,format=auto,period=auto,"
                            "buffer=auto,access=auto,interrupts=auto"),
              ParseAlsaSpec("hw:0"));
}

TEST(AlsaSpec, EndsTheNameBeforeTheFirstKey) {
    EXPECT_EQ(ParseAlsaSpec("hw:CARD=Dummy,DEV=0").pcm_name, "hw:CARD=Dummy,DEV=0");
    EXPECT_EQ(ParseAlsaSpec("hw:CARD=Dummy,DEV=0,rate=44100").pcm_name,
              "hw:CARD=Dummy,DEV=0");
    EXPECT_EQ(ParseAlsaSpec("file:'/tmp/a,b',raw,period=480").pcm_name,
              "file:'/tmp/a,b',raw");
    EXPECT_EQ(ParseAlsaSpec("plug:dmix,rates=1").pcm_name, "plug:dmix,rates=1");
}

TEST(AlsaSpec, RefusesANameThatIsNotThere) {
    EXPECT_NE(RefusalOf("").find("name of a PCM"), std::string::npos);
    EXPECT_NE(RefusalOf("rate=48000").find("name of a PCM"), std::string::npos);
    EXPECT_NE(RefusalOf(",rate=48000").find("name of a PCM"), std::string::npos);
}

TEST(AlsaSpec, RefusesAValueAndSaysWhatIsAllowed) {
    EXPECT_EQ(RefusalOf("hw:0,rate=3999"),
              "rate=3999 is not possible for a card: auto, or a whole number from 4000 "
              "to 384000 is allowed");
    for (const char* text :
         {"hw:0,rate=", "hw:0,rate=48k", "hw:0,channels=0", "hw:0,channels=33",
          "hw:0,format=MP3", "hw:0,period=15", "hw:0,buffer=47", "hw:0,access=direct",
          "hw:0,interrupts=no"})
        EXPECT_NE(RefusalOf(text).find("allowed"), std::string::npos) << text;
}

TEST(AlsaSpec, RefusesASettingThatItDoesNotKnow) {
    EXPECT_NE(RefusalOf("hw:0,rate=48000,wav=/tmp/x").find("\"wav=/tmp/x\" is not a"),
              std::string::npos);
    EXPECT_NE(RefusalOf("hw:0,rate=48000,0").find("\"0\" is not a"), std::string::npos);
}

TEST(AlsaSpec, RefusesAKeyThatIsGivenTwice) {
    EXPECT_NE(RefusalOf("hw:0,rate=48000,rate=auto").find("once"), std::string::npos);
}

}  // namespace
}  // namespace shmd::device
