#include "plugin/device_hints.h"

#include <gtest/gtest.h>
#include <string>
#include <vector>

namespace shmd::plugin {
namespace {

bool Has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

TEST(DeviceHints, ShowTheDevicesThatThereAre) {
    const std::string text = DeviceDefinitions({"main", "tv"});
    EXPECT_TRUE(Has(text,
                    "device_2 { type shmd device \"#2\" hint { show on description "
                    "\"shmd Sound Server, device tv\" } }"))
        << text;
    EXPECT_TRUE(Has(text,
                    "monitor_1 { type shmd device \"#1.monitor\" hint { show on "
                    "description \"shmd Sound Server, monitor of main|IOIDInput\""))
        << text;
}

TEST(DeviceHints, HideTheOthersWhichCanStillBeOpened) {
    const std::string text = DeviceDefinitions({});
    EXPECT_FALSE(Has(text, "show on"));
    EXPECT_TRUE(Has(text, "device_8 { type shmd device \"#8\" hint { show off } }"));
}

TEST(DeviceHints, LeaveOutTheDevicesBeyondTheLast) {
    const std::vector<std::string> names(kMostListed + 1, "many");
    EXPECT_FALSE(Has(DeviceDefinitions(names), "#9"));
}

}  // namespace
}  // namespace shmd::plugin
