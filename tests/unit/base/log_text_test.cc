#include "base/log_text.h"

#include <gtest/gtest.h>

namespace shmd::base {
namespace {

TEST(LogValue, LeavesAnOrdinaryNameAsItIs) {
    EXPECT_EQ(LogValue("aplay"), "aplay");
    EXPECT_EQ(LogValue("hw:0,1 x"), "hw:0\\x2c1\\x20x");
    EXPECT_EQ(LogValue("/usr/bin/x-y_z.1+2@3:4"), "/usr/bin/x-y_z.1+2@3:4");
    EXPECT_EQ(LogValue(""), "");
}

TEST(LogValue, CannotBeReadAsOtherKeys) {
    EXPECT_EQ(LogValue("aplay gone client=99"), "aplay\\x20gone\\x20client\\x3d99");
}

TEST(LogValue, CannotHoldWhatAnEscapeIsMadeOf) {
    EXPECT_EQ(LogValue("a\\x20b"), "a\\x5cx20b");
}

TEST(LogValue, EscapesAllThatIsNotAscii) {
    EXPECT_EQ(LogValue("m\xc3\xbc"), "m\\xc3\\xbc");
    EXPECT_EQ(LogValue(std::string_view{"a\0b", 3}), "a\\x00b");
}

TEST(LogText, LeavesATextAsItIs) {
    constexpr std::string_view kText =
        "stream=3 \"m\xc3\xbcsic\" \xe2\x82\xac \xf0\x9f\x8e\xb5 a\\b";
    EXPECT_EQ(LogText(kText), kText);
}

TEST(LogText, EscapesControlCharacters) {
    EXPECT_EQ(LogText("a\nb\tc\x1b[1m\x7f"), "a\\x0ab\\x09c\\x1b[1m\\x7f");
    EXPECT_EQ(LogText("a\xc2\x80\xc2\x9b\xc2\x9f"), "a\\xc2\\x80\\xc2\\x9b\\xc2\\x9f");
    EXPECT_EQ(LogText("a\xc2\xa0"), "a\xc2\xa0");  // the first behind them
}

TEST(LogText, EscapesWhatIsShownInAnotherOrderOrNotAtAll) {
    EXPECT_EQ(LogText("a\xe2\x80\xae"
                      "b"),
              "a\\xe2\\x80\\xaeb");  // U+202E
    EXPECT_EQ(LogText("a\xe2\x81\xa6"
                      "b"),
              "a\\xe2\\x81\\xa6b");  // U+2066
    EXPECT_EQ(LogText("a\xe2\x80\x8b"
                      "b"),
              "a\\xe2\\x80\\x8bb");  // U+200B
    EXPECT_EQ(LogText("a\xe2\x80\xa8"
                      "b"),
              "a\\xe2\\x80\\xa8b");                                  // U+2028
    EXPECT_EQ(LogText("\xef\xbb\xbf"), "\\xef\\xbb\\xbf");           // U+FEFF
    EXPECT_EQ(LogText("\xf3\xa0\x80\x81"), "\\xf3\\xa0\\x80\\x81");  // U+E0001
}

TEST(LogText, EscapesWhatIsNoUtf8) {
    EXPECT_EQ(LogText("\x9b"), "\\x9b");    // alone: C1 in Latin-1
    EXPECT_EQ(LogText("a\xc3"), "a\\xc3");  // cut
    EXPECT_EQ(LogText("\xc3"
                      "b"),
              "\\xc3"
              "b");
    EXPECT_EQ(LogText("\xc0\x8a"), "\\xc0\\x8a");           // a newline, too long
    EXPECT_EQ(LogText("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // a surrogate
    EXPECT_EQ(LogText("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // beyond U+10FFFF
    EXPECT_EQ(LogText("\xff\xf8"), "\\xff\\xf8");
}

}  // namespace
}  // namespace shmd::base
