#include "options.h"

#include "keys.h"
#include "tests/unit/server/temp_dir.h"
#include "usage_error.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <vector>

namespace shmd {
namespace {

Invocation Parse(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "shmd");
    std::vector<char*> argv;
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    return ParseCommandLine(static_cast<int>(arguments.size()), argv.data());
}

/** Without the configuration of the machine that the test runs on. */
Settings ParseAlone(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "--config=/dev/null");
    return Parse(std::move(arguments)).settings;
}

void ExpectRefusal(const std::vector<std::string>& arguments,
                   const std::string& message) {
    try {
        Parse(arguments);
        ADD_FAILURE() << "accepted; expected: " << message;
    } catch (const UsageError& error) {
        EXPECT_EQ(error.Status(), 64);
        EXPECT_EQ(error.what(), message + " (see --help)");
    }
}

TEST(CommandLine, ChangesNothingWhenItIsEmpty) {
    EXPECT_EQ(ParseAlone({}), Settings{});
}

TEST(CommandLine, HasAnOptionForEachKey) {
    for (const Key& key : Keys()) {
        const bool is_device = std::holds_alternative<DeviceList Settings::*>(key.member);
        const std::string text = is_device ? "auto" : ShowValue(key, {});
        EXPECT_EQ(ParseAlone({"--" + OptionName(key), text}), Settings{});
        EXPECT_EQ(ParseAlone({"--" + OptionName(key) + "=" + text}), Settings{});
    }
}

TEST(CommandLine, SetsWhatItSays) {
    const Settings settings =
        ParseAlone({"--socket=/s", "--log-level", "warn", "--memfd=no", "--gain", "0.5"});
    EXPECT_EQ(settings.socket, "/s");
    EXPECT_EQ(settings.log_level, LogLevel::kWarn);
    EXPECT_FALSE(settings.memfd);
    EXPECT_EQ(settings.gain, 0.5);
}

TEST(CommandLine, OverridesTheFile) {
    const testing::TempDir dir;
    const std::string path = dir.Write("a.conf", "gain 0.5\nmax_clients 7\n");
    const Invocation got = Parse({"--gain=2", "--config", path});
    EXPECT_EQ(got.settings.gain, 2);
    EXPECT_EQ(got.settings.max_clients, 7u);
    EXPECT_EQ(got.config_path, path);
}

TEST(CommandLine, DropsTheDevicesOfTheFileAtItsFirstOwn) {
    const testing::TempDir dir;
    const std::string path =
        dir.Write("a.conf", "device { a \"virtual\" b \"virtual\" }\n");
    EXPECT_EQ(Parse({"--config", path}).settings.devices.size(), 2u);
    EXPECT_EQ(Parse({"--config", path, "--device=c=virtual", "--device=d=virtual,wav=x"})
                  .settings.devices,
              (DeviceList{{"c", "virtual"}, {"d", "virtual,wav=x"}}));
}

TEST(CommandLine, IsReadAgainWithTheSameResultAndLeftAsItIs) {
    std::string arguments[] = {"shmd", "--gain", "0.5", "--config", "/dev/null"};
    std::vector<char*> argv;
    for (std::string& argument : arguments)
        argv.push_back(argument.data());
    argv.push_back(nullptr);
    const std::vector<char*> before = argv;
    EXPECT_EQ(ParseCommandLine(5, argv.data()).settings.gain, 0.5);
    EXPECT_EQ(ParseCommandLine(5, argv.data()).settings.gain, 0.5);
    EXPECT_EQ(argv, before);
}

TEST(CommandLine, NamesTheOptionAndWhatIsAllowed) {
    ExpectRefusal({"--foo"}, "option '--foo' is unknown or ambiguous");
    ExpectRefusal(
        {"--log_level=debug"},
        "option '--log_level=debug' is unknown or ambiguous; did you mean --log-level?");
    ExpectRefusal({"--sokcet", "/x"},
                  "option '--sokcet' is unknown or ambiguous; did you mean --socket?");
    ExpectRefusal({"--m=1"}, "option '--m=1' is unknown or ambiguous");
    ExpectRefusal({"-x"}, "option '-x' is unknown");
    ExpectRefusal({"--gain"}, "option '--gain' needs a value");
    ExpectRefusal({"--help=1"}, "option '--help=1' takes no value");
    ExpectRefusal({"extra"}, "unexpected argument 'extra'");
    ExpectRefusal({"--config=/dev/null", "--memfd=maybe"},
                  "option '--memfd': 'maybe' is not yes or no");
    ExpectRefusal({"--config=/dev/null", "--cycle-max-us=1"},
                  "option '--cycle-max-us': '1' is not an integer from 500 to 200000 "
                  "microseconds");
    ExpectRefusal(
        {"--config=/dev/null", "--device=virtual", "--device=virtual"},
        "option '--device': device name 'default' is given twice: use NAME=SPEC");
}

TEST(CommandLine, RequiresTheFileThatItNames) {
    try {
        Parse({"--config=/nonexistent/shmd.conf"});
        ADD_FAILURE() << "accepted";
    } catch (const UsageError& error) {
        EXPECT_EQ(error.Status(), 78);
        EXPECT_STREQ(error.what(), "/nonexistent/shmd.conf: No such file or directory");
    }
}

TEST(CommandLine, ShowsHelpAndVersionWithoutReadingTheFile) {
    EXPECT_EQ(Parse({"--config=/nonexistent", "--help"}).action,
              Invocation::Action::kShowHelp);
    EXPECT_EQ(Parse({"--config=/nonexistent", "--version", "--foo"}).action,
              Invocation::Action::kShowVersion);
    EXPECT_EQ(Parse({"--config=/dev/null"}).action, Invocation::Action::kRun);
}

class ConfigFileSearch : public ::testing::Test {
  protected:
    void SetUp() override { setenv("XDG_CONFIG_HOME", dir_.Path().c_str(), 1); }
    void TearDown() override { unsetenv("XDG_CONFIG_HOME"); }

    testing::TempDir dir_;
};

TEST_F(ConfigFileSearch, PrefersTheUsersOwnFile) {
    const std::string path = dir_.Write("shmd.conf", "");
    EXPECT_EQ(FindConfigFile(false), path);
}

TEST_F(ConfigFileSearch, IgnoresTheUsersFileForRoot) {
    const std::string path = dir_.Write("shmd.conf", "");
    EXPECT_NE(FindConfigFile(true), path);
}

TEST_F(ConfigFileSearch, GoesOnToTheSystemsFile) {
    EXPECT_EQ(FindConfigFile(false), FindConfigFile(true));
}

TEST_F(ConfigFileSearch, IgnoresARelativeDirectory) {
    const std::string path = dir_.Write("shmd.conf", "");
    const std::filesystem::path before = std::filesystem::current_path();
    std::filesystem::current_path(std::filesystem::path{dir_.Path()}.parent_path());
    const std::string name = std::filesystem::path{dir_.Path()}.filename();
    setenv("XDG_CONFIG_HOME", name.c_str(), 1);
    EXPECT_EQ(FindConfigFile(false).find(name), std::string::npos);
    std::filesystem::current_path(before);
}

TEST(HelpText, FitsATerminal) {
    const std::string text = HelpText();
    for (size_t at = 0, end; at < text.size(); at = end + 1) {
        end = text.find('\n', at);
        ASSERT_NE(end, std::string::npos);
        EXPECT_LE(end - at, 80u) << text.substr(at, end - at);
    }
}

}  // namespace
}  // namespace shmd
