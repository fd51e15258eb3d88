#include "client/program_name.h"

#include <gtest/gtest.h>
#include <cerrno>
#include <string>

namespace shmd::client {
namespace {

constexpr size_t kMost = 63;

TEST(ProgramName, IsTheNameThatGlibcKnows) {
    EXPECT_EQ(ProgramName(), program_invocation_short_name);
}

TEST(CleanName, LeavesPlainTextAndUtf8AsTheyAre) {
    EXPECT_EQ(CleanName("aplay", kMost), "aplay");
    EXPECT_EQ(CleanName("spiel gr\u00fc\u00df\u20ac\U0001f600", kMost),
              "spiel gr\u00fc\u00df\u20ac\U0001f600");
    EXPECT_EQ(CleanName("", kMost), "");
}

TEST(CleanName, ReplacesControlCharacters) {
    EXPECT_EQ(CleanName("a\tname\n\x7f", kMost), "a?name??");
    EXPECT_EQ(CleanName("\xc2\x85\xc2\x9b", kMost), "??");
}

TEST(CleanName, ReplacesEachByteThatIsNoUtf8) {
    EXPECT_EQ(CleanName("caf\xe9", kMost), "caf?");
    EXPECT_EQ(CleanName("\xe9t\xe9s", kMost), "?t?s");
    EXPECT_EQ(CleanName("\xc0\xaf", kMost), "??");            // not the shortest form
    EXPECT_EQ(CleanName("\xe0\x9f\xbf", kMost), "???");       // likewise
    EXPECT_EQ(CleanName("\xed\xa0\x80", kMost), "???");       // a surrogate
    EXPECT_EQ(CleanName("\xf4\x90\x80\x80", kMost), "????");  // beyond U+10FFFF
    EXPECT_EQ(CleanName("\xf0\x9f\x98", kMost), "???");       // cut
    EXPECT_EQ(CleanName("\x80\xff", kMost), "??");
}

TEST(CleanName, CutsBeforeTheCharacterThatIsTooLong) {
    EXPECT_EQ(CleanName(std::string(62, 'a') + "\u00fc", kMost), std::string(62, 'a'));
    EXPECT_EQ(CleanName(std::string(61, 'a') + "\u00fcx", kMost),
              std::string(61, 'a') + "\u00fc");
}

TEST(IsRestOfAPath, KnowsWhatGlibcTakes) {
    const char plain[] = "/usr/bin/aplay";
    EXPECT_FALSE(IsRestOfAPath(plain, plain + 9));
    const char bare[] = "aplay";
    EXPECT_FALSE(IsRestOfAPath(bare, bare));
    EXPECT_FALSE(IsRestOfAPath(plain, "a name that the program has set"));
}

TEST(IsRestOfAPath, KnowsArgumentsThatWineHasMoved) {
    const char moved[] = "C:\\Program Files\\Game\\game.exe";
    EXPECT_TRUE(IsRestOfAPath(moved, moved + 9));
    const char in_the_last_name[] = "Z:\\a game.exe";
    EXPECT_TRUE(IsRestOfAPath(in_the_last_name, in_the_last_name + 6));
}

}  // namespace
}  // namespace shmd::client
