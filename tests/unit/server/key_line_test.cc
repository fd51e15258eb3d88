#include "key_line.h"

#include <gtest/gtest.h>

namespace shmd {
namespace {

TEST(KeyLine, IsFoundBehindCommentsQuotesAndBrackets) {
    const std::string_view text =
        "# gain 1\n"
        "socket \"gain # \\\" \n gain\"\n"
        "device { gain \"x\" }\n"
        "array [ gain [ 1 ] gain\n ]\n"
        "gain = 2  # gain\n";
    EXPECT_EQ(FindKeyLine(text, "gain"), 7u);
    EXPECT_EQ(FindKeyLine(text, "device.gain"), 4u);
    EXPECT_EQ(FindKeyLine(text, "socket"), 2u);
}

TEST(KeyLine, IsFoundInACompoundAndInADottedKey) {
    EXPECT_EQ(FindKeyLine("device {\n a \"x\"\n b \"x\"\n}\n", "device.b"), 3u);
    EXPECT_EQ(FindKeyLine("device.a x\ndevice.b x\n", "device.b"), 2u);
    EXPECT_EQ(FindKeyLine("a { b {\n c 1\n }\n d 1 }\ne 1\n", "a.d"), 4u);
    EXPECT_EQ(FindKeyLine("a { b {\n c 1\n }\n d 1 }\ne 1\n", "e"), 5u);
}

TEST(KeyLine, IsTheLastOfSeveral) {
    EXPECT_EQ(FindKeyLine("gain 1\ngain 2\n", "gain"), 2u);
}

TEST(KeyLine, IgnoresAKeyThatIsAValue) {
    EXPECT_EQ(FindKeyLine("socket gain\n", "gain"), 0u);
}

TEST(KeyLine, IgnoresTheModeBeforeAnIdAndAnInclude) {
    EXPECT_EQ(FindKeyLine("</etc/other.conf>\n!gain 1\n", "gain"), 2u);
}

TEST(KeyLine, SurvivesTextsThatAreCutOff) {
    const std::string_view text = "a { b [ 1 ] c \"x\\\"\" } # d\n}}\n'e' 1";
    for (size_t length = 0; length <= text.size(); ++length)
        EXPECT_EQ(FindKeyLine(text.substr(0, length), "none"), 0u);
}

}  // namespace
}  // namespace shmd
