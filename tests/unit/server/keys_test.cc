#include "keys.h"

#include <gtest/gtest.h>

#include <set>
#include <stdexcept>

namespace shmd {
namespace {

std::string Complaint(const char* key, std::string_view text, Settings& settings) {
    try {
        SetFromText(*FindKey(key), text, settings);
    } catch (const std::invalid_argument& error) {
        return error.what();
    }
    return "";
}

TEST(Keys, HaveNamesOfTheirOwnAndADefaultInTheirRange) {
    std::set<std::string> names;
    for (const Key& key : Keys()) {
        EXPECT_TRUE(names.insert(key.name).second) << key.name;
        EXPECT_EQ(FindKey(key.name), &key);
        Settings settings;
        if (std::holds_alternative<DeviceList Settings::*>(key.member)) continue;
        EXPECT_EQ(Complaint(key.name, ShowValue(key, {}), settings), "");
        EXPECT_EQ(settings, Settings{}) << key.name;
    }
}

TEST(Keys, SetTheMemberThatTheyAreCalledAfter) {
    Settings settings;
    SetFromText(*FindKey("socket"), "/a", settings);
    SetFromText(*FindKey("fallback"), "virtual,rate=8000", settings);
    SetFromText(*FindKey("idle_timeout_ms"), "7", settings);
    SetFromText(*FindKey("direct"), "yes", settings);
    SetFromText(*FindKey("direct_trusted"), "root", settings);
    SetFromText(*FindKey("log_level"), "debug", settings);
    SetFromText(*FindKey("stats_file"), "/b", settings);
    SetFromText(*FindKey("memfd"), "no", settings);
    SetFromText(*FindKey("realtime_priority"), "0", settings);
    SetFromText(*FindKey("cycle_max_us"), "1000", settings);
    SetFromText(*FindKey("max_clients"), "1", settings);
    SetFromText(*FindKey("max_clients_per_user"), "2", settings);
    SetFromText(*FindKey("max_memory_per_user_mib"), "3", settings);
    SetFromText(*FindKey("max_memory_mib"), "4", settings);
    SetFromText(*FindKey("gain"), "0.25", settings);
    Settings expected;
    expected.socket = "/a";
    expected.fallback = "virtual,rate=8000";
    expected.idle_timeout_ms = 7;
    expected.direct = "yes";
    expected.direct_trusted = "root";
    expected.log_level = LogLevel::kDebug;
    expected.stats_file = "/b";
    expected.memfd = false;
    expected.realtime_priority = 0;
    expected.cycle_max_us = 1000;
    expected.max_clients = 1;
    expected.max_clients_per_user = 2;
    expected.max_memory_per_user_mib = 3;
    expected.max_memory_mib = 4;
    expected.gain = 0.25;
    EXPECT_EQ(settings, expected);
}

TEST(Keys, TakeBothEndsOfARangeAndNothingBeyond) {
    Settings settings;
    EXPECT_EQ(Complaint("realtime_priority", "99", settings), "");
    EXPECT_EQ(Complaint("cycle_max_us", "500", settings), "");
    EXPECT_EQ(Complaint("gain", "4", settings), "");
    const Settings before = settings;
    EXPECT_EQ(Complaint("realtime_priority", "100", settings),
              "'100' is not an integer from 0 to 99");
    EXPECT_EQ(Complaint("cycle_max_us", "499", settings),
              "'499' is not an integer from 500 to 200000 microseconds");
    EXPECT_EQ(Complaint("gain", "4.001", settings),
              "'4.001' is not a number from 0 to 4");
    EXPECT_EQ(settings, before);
}

TEST(Keys, RefuseWhatIsNoNumber) {
    for (const char* text : {"", "x", "1x", " 1", "-1", "1.5", "99999999999999999999"}) {
        Settings settings;
        EXPECT_NE(Complaint("max_clients", text, settings), "") << text;
        EXPECT_EQ(settings, Settings{}) << text;
    }
    for (const char* text : {"", "nan", "inf", "-0.5", "1,5", "0x1"}) {
        Settings settings;
        EXPECT_NE(Complaint("gain", text, settings), "") << text;
        EXPECT_EQ(settings, Settings{}) << text;
    }
}

TEST(Keys, KnowTheUsualWordsForYesAndNo) {
    Settings settings;
    for (const char* text : {"no", "yes", "off", "on", "false", "true", "0", "1"}) {
        const bool was = settings.memfd;
        EXPECT_EQ(Complaint("memfd", text, settings), "");
        EXPECT_NE(settings.memfd, was) << text;
    }
    EXPECT_EQ(Complaint("memfd", "maybe", settings), "'maybe' is not yes or no");
}

TEST(Keys, NameTheLevelsThatThereAre) {
    Settings settings;
    EXPECT_EQ(Complaint("log_level", "loud", settings),
              "'loud' is not error, warn, info or debug");
    EXPECT_EQ(settings.log_level, LogLevel::kInfo);
}

TEST(DeviceKey, TellsANameFromAnEqualsSignInTheSpecification) {
    const std::pair<const char*, DeviceList::value_type> cases[] = {
        {"virtual", {"default", "virtual"}},
        {"virtual,wav=x", {"default", "virtual,wav=x"}},
        {"tv=virtual", {"tv", "virtual"}},
        {"tv=virtual,wav=x", {"tv", "virtual,wav=x"}},
        {"hw:CARD=PCH,DEV=0", {"default", "hw:CARD=PCH,DEV=0"}},
        {"a_B-9=hw:CARD=PCH", {"a_B-9", "hw:CARD=PCH"}},
    };
    for (const auto& [text, expected] : cases) {
        Settings settings;
        settings.devices.clear();
        EXPECT_EQ(Complaint("device", text, settings), "");
        EXPECT_EQ(settings.devices, DeviceList{expected});
    }
}

TEST(DeviceKey, RefusesNamesThatNoClientCouldUse) {
    const std::string longest(63, 'x');
    for (const std::string& name :
         {std::string{""}, std::string{"a b"}, std::string{"a.b"}, std::string{"monitor"},
          longest + "x"}) {
        Settings settings;
        EXPECT_NE(Complaint("device", name + "=virtual", settings), "") << name;
        EXPECT_EQ(settings, Settings{}) << name;
    }
    Settings settings;
    EXPECT_EQ(Complaint("device", longest + "=virtual", settings), "");
}

TEST(DeviceKey, RefusesAnEmptySpecification) {
    Settings settings;
    settings.devices.clear();
    EXPECT_EQ(Complaint("device", "tv=", settings), "device 'tv' has no SPEC");
    EXPECT_EQ(Complaint("device", "", settings), "device 'default' has no SPEC");
}

TEST(AddDevice, PutsTheOneCalledDefaultFirst) {
    DeviceList devices;
    AddDevice(devices, "a", "virtual");
    AddDevice(devices, "b", "virtual");
    AddDevice(devices, "default", "virtual,rate=8000");
    EXPECT_EQ(devices,
              (DeviceList{
                  {"default", "virtual,rate=8000"}, {"a", "virtual"}, {"b", "virtual"}}));
}

TEST(AddDevice, RefusesANameTwice) {
    DeviceList devices{{"a", "virtual"}};
    EXPECT_THROW(AddDevice(devices, "a", "virtual"), std::invalid_argument);
    EXPECT_EQ(devices.size(), 1u);
}

}  // namespace
}  // namespace shmd
