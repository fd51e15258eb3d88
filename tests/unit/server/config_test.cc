#include "server/config.h"

#include "tests/unit/server/temp_dir.h"
#include "usage_error.h"

#include <alsa/asoundlib.h>
#include <gtest/gtest.h>

namespace shmd {
namespace {

void IgnoreError(const char*, int, const char*, int, const char*, ...) {}

class Config : public ::testing::Test {
  protected:
    Settings Load(std::string_view text) {
        Settings settings;
        LoadConfig(dir_.Write("shmd.conf", text), settings);
        return settings;
    }

    /** What is wrong with `text`, without the path that the message begins with. */
    std::string Complaint(std::string_view text) {
        Settings settings;
        settings.gain = 3;
        const Settings before = settings;
        const std::string path = dir_.Write("shmd.conf", text);
        try {
            LoadConfig(path, settings);
        } catch (const UsageError& error) {
            EXPECT_EQ(error.Status(), 78);
            EXPECT_EQ(settings, before) << "changed, though refused";
            const std::string message = error.what();
            EXPECT_TRUE(message.starts_with(path)) << message;
            return message.substr(std::min(path.size(), message.size()));
        }
        return "accepted";
    }

    testing::TempDir dir_;
};

TEST_F(Config, OfNothingChangesNothing) {
    EXPECT_EQ(Load(""), Settings{});
    EXPECT_EQ(Load("# a comment, gain 9\n"), Settings{});
}

TEST_F(Config, SetsEachKindOfValue) {
    const Settings settings = Load(
        "socket \"/run/a,b=c\"\n"
        "log_level debug; memfd no\n"
        "realtime_priority = 0\n"
        "gain 0.123456789\n");
    EXPECT_EQ(settings.socket, "/run/a,b=c");
    EXPECT_EQ(settings.log_level, LogLevel::kDebug);
    EXPECT_FALSE(settings.memfd);
    EXPECT_EQ(settings.realtime_priority, 0u);
    EXPECT_EQ(settings.gain, 0.123456789);
}

TEST_F(Config, TakesAnIntegerForARealAndForABool) {
    EXPECT_EQ(Load("gain 2").gain, 2.0);
    EXPECT_FALSE(Load("memfd 0").memfd);
}

TEST_F(Config, TakesOneDeviceAsAString) {
    EXPECT_EQ(Load("device \"virtual,rate=8000\"").devices,
              (DeviceList{{"default", "virtual,rate=8000"}}));
}

TEST_F(Config, KeepsTheOrderOfSeveralDevices) {
    EXPECT_EQ(Load("device { z \"virtual\" a \"virtual,wav=x\" }").devices,
              (DeviceList{{"z", "virtual"}, {"a", "virtual,wav=x"}}));
}

TEST_F(Config, PutsTheDeviceCalledDefaultFirst) {
    EXPECT_EQ(Load("device.tv virtual\ndevice.default virtual\n").devices,
              (DeviceList{{"default", "virtual"}, {"tv", "virtual"}}));
}

TEST_F(Config, NamesFileLineAndKeyOfWhatItRefuses) {
    EXPECT_EQ(Complaint("# gian 1\n\ngian 1\n"),
              ":3: key 'gian': unknown; did you mean gain?");
    EXPECT_EQ(Complaint("log-level debug\n"),
              ":1: key 'log-level': unknown; did you mean log_level?");
    EXPECT_EQ(Complaint("volume 1\n"), ":1: key 'volume': unknown");
    EXPECT_EQ(Complaint("gain 1\nmax_clients 0\n"),
              ":2: key 'max_clients': '0' is not an integer from 1 to 65536");
    EXPECT_EQ(Complaint("log_level loud"),
              ":1: key 'log_level': 'loud' is not error, warn, info or debug");
    EXPECT_EQ(Complaint("memfd 2"), ":1: key 'memfd': '2' is not yes or no");
}

TEST_F(Config, RefusesAValueOfTheWrongType) {
    EXPECT_EQ(Complaint("socket 5"), ":1: key 'socket': must be a string");
    EXPECT_EQ(Complaint("max_clients \"5\""),
              ":1: key 'max_clients': must be an integer from 1 to 65536");
    EXPECT_EQ(Complaint("max_clients 5.5"),
              ":1: key 'max_clients': must be an integer from 1 to 65536");
    EXPECT_EQ(Complaint("gain [ 1 2 ]"), ":1: key 'gain': must be a number from 0 to 4");
    EXPECT_EQ(Complaint("memfd { }"), ":1: key 'memfd': must be yes or no");
}

TEST_F(Config, RefusesDevicesThatAreNone) {
    EXPECT_EQ(Complaint("device { }"), ":1: key 'device': names no device");
    EXPECT_EQ(Complaint("device 5"), ":1: key 'device': must be a string, \"SPEC\"");
    EXPECT_EQ(Complaint("device {\n a \"virtual\"\n b { c d }\n}"),
              ":3: key 'device.b': must be a string, \"SPEC\"");
    EXPECT_EQ(Complaint("device {\n a \"virtual\"\n monitor \"virtual\"\n}"),
              ":3: key 'device.monitor': device name 'monitor' means what the default "
              "device plays");
    EXPECT_EQ(Complaint("\ndevice \"\""),
              ":2: key 'device': device 'default' has no SPEC");
}

TEST_F(Config, PassesOnWhatAlsaLibSaysOfTheSyntax) {
    const std::string complaint = Complaint("gain 1\ndevice {\n}}\n");
    EXPECT_TRUE(complaint.starts_with(":3:")) << complaint;
    EXPECT_TRUE(Complaint("gain 1\ndevice {\n").starts_with(":3:"));
    EXPECT_TRUE(Complaint("gain \"1").starts_with(":1:"));
}

TEST_F(Config, LeavesAlsaLibsErrorHandlerAsItWas) {
    snd_lib_error_set_handler(&IgnoreError);
    Complaint("}");
    EXPECT_EQ(snd_lib_error, &IgnoreError);
    snd_lib_error_set_handler(nullptr);
}

TEST_F(Config, PrintsNothingItself) {
    ::testing::internal::CaptureStderr();
    Complaint("}");
    EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

TEST_F(Config, RefusesWhatIsNoFile) {
    Settings settings;
    EXPECT_THROW(LoadConfig(dir_.Path(), settings), UsageError);
    EXPECT_THROW(LoadConfig(dir_.Path() + "/none", settings), UsageError);
    EXPECT_THROW(LoadConfig("/dev/zero", settings), UsageError);
}

}  // namespace
}  // namespace shmd
