#include "device/device_spec.h"

#include <stdexcept>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

using audio::SampleFormat;

std::string Refusal(std::string_view text) {
    try {
        (void)ParseDeviceSpec(text);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

void ExpectRefusal(std::string_view text, std::initializer_list<const char*> parts) {
    const std::string why = Refusal(text);
    EXPECT_NE(why, "") << text << " was accepted";
    for (const char* const part : parts)
        EXPECT_NE(why.find(part), std::string::npos) << why << " lacks " << part;
}

TEST(DeviceSpec, IsStereoS16At48kHzWithoutSettings) {
    const DeviceSpec spec = ParseDeviceSpec("virtual");
    EXPECT_EQ(spec, DeviceSpec{});
    EXPECT_EQ(spec.format, (audio::StreamFormat{SampleFormat::kS16Le, 48000, 2}));
}

TEST(DeviceSpec, TakesEverySettingInAnyOrder) {
    const DeviceSpec spec = ParseDeviceSpec(
        "virtual,capture=in.wav,period=256,format=float_le,wav=out.wav,channels=8,rate="
        "96000");
    EXPECT_EQ(spec.format, (audio::StreamFormat{SampleFormat::kFloatLe, 96000, 8}));
    EXPECT_EQ(spec.period_frames, 256U);
    EXPECT_EQ(spec.wav_path, "out.wav");
    EXPECT_EQ(spec.capture_path, "in.wav");
}

TEST(DeviceSpec, KeepsAnythingButACommaInAValue) {
    const DeviceSpec spec = ParseDeviceSpec("virtual,wav=/a b/ä=\"x\":%.wav");
    EXPECT_EQ(spec.wav_path, "/a b/ä=\"x\":%.wav");
}

TEST(DeviceSpec, CapturesWhatIsPlayedForTheWordLoopback) {
    EXPECT_EQ(ParseDeviceSpec("virtual,capture=loopback").capture_path, "");
    EXPECT_EQ(ParseDeviceSpec("virtual,capture=./loopback").capture_path, "./loopback");
}

TEST(DeviceSpec, TakesTheLeastAndTheMostOfEachNumber) {
    const DeviceSpec least = ParseDeviceSpec("virtual,rate=4000,channels=1,period=16");
    EXPECT_EQ(least.format.rate_hz, 4000U);
    const DeviceSpec most =
        ParseDeviceSpec("virtual,rate=384000,channels=32,period=65536");
    EXPECT_EQ(most.format.channels, 32U);
    EXPECT_EQ(most.period_frames, 65536U);
}

TEST(DeviceSpec, NamesKeyValueAndRangeOfANumberThatIsNotPossible) {
    ExpectRefusal("virtual,rate=3999", {"rate=3999", "4000", "384000"});
    ExpectRefusal("virtual,rate=384001", {"rate=384001", "4000", "384000"});
    ExpectRefusal("virtual,rate=48k", {"rate=48k"});
    ExpectRefusal("virtual,rate=-48000", {"rate=-48000"});
    ExpectRefusal("virtual,rate= 48000", {"rate= 48000"});
    ExpectRefusal("virtual,rate=99999999999999999999", {"rate=99999999999999999999"});
    ExpectRefusal("virtual,rate=", {"rate="});
    ExpectRefusal("virtual,rate", {"rate="});
    ExpectRefusal("virtual,channels=0", {"channels=0", "1", "32"});
    ExpectRefusal("virtual,channels=33", {"channels=33", "1", "32"});
    ExpectRefusal("virtual,period=15", {"period=15", "16", "65536"});
}

TEST(DeviceSpec, ListsTheFormatsForOneThatIsUnknown) {
    ExpectRefusal("virtual,format=S20", {"format=S20", "S16_LE", "U8", "FLOAT64_BE"});
}

TEST(DeviceSpec, WantsANameForAFile) {
    ExpectRefusal("virtual,wav=", {"wav=", "name of a file"});
    ExpectRefusal("virtual,capture=", {"capture=", "name of a file"});
}

TEST(DeviceSpec, ListsTheKeysForOneThatIsUnknown) {
    ExpectRefusal("virtual,rat=1",
                  {"rat=1", "rate", "channels", "format", "period", "wav", "capture"});
    ExpectRefusal("virtual,,rate=48000", {"\"\"", "rate"});
}

TEST(DeviceSpec, RefusesAKeyThatIsGivenTwice) {
    ExpectRefusal("virtual,rate=48000,rate=44100", {"rate=44100", "once"});
}

TEST(DeviceSpec, SaysThatOnlyTheVirtualDeviceIsBuilt) {
    ExpectRefusal("hw:0", {"hw:0", "virtual"});
    ExpectRefusal("hw:0,0", {"hw:0", "virtual"});
    ExpectRefusal("", {"virtual"});
    ExpectRefusal("virtual2", {"virtual2"});
}

}  // namespace
}  // namespace shmd::device
