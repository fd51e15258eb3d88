#include "ipc/server_trust.h"

#include "tests/unit/device/temp_dir.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cstdlib>

namespace shmd::ipc {
namespace {

constexpr uid_t kOther = 4711;  // neither root nor, with luck, who runs the test
const std::string kPath = "/run/user/4711/shmd/socket";

TEST(ServerTrust, TrustsRootAndItsOwnUser) {
    EXPECT_TRUE(IsTrusted(0, kPath, ""));
    EXPECT_TRUE(IsTrusted(::geteuid(), kPath, ""));
    EXPECT_TRUE(IsTrusted(::getuid(), kPath, ""));
}

TEST(ServerTrust, TrustsNoOtherUser) {
    ::unsetenv("SHMD_SERVER_USER");
    EXPECT_FALSE(IsTrusted(kOther, kPath, ""));
    EXPECT_FALSE(IsTrusted(kOther, kPath, "4712"));
    EXPECT_FALSE(IsTrusted(kOther, kPath, "root"));
    EXPECT_FALSE(IsTrusted(kOther, kPath, "no such user"));
}

TEST(ServerTrust, TrustsTheUserThatIsNamed) {
    EXPECT_TRUE(IsTrusted(kOther, kPath, "4711"));
    ::setenv("SHMD_SERVER_USER", "4711", 1);
    EXPECT_TRUE(IsTrusted(kOther, kPath, ""));
    EXPECT_FALSE(IsTrusted(kOther, kPath, "4712")) << "the configuration goes first";
    ::unsetenv("SHMD_SERVER_USER");
}

TEST(ServerTrust, FindsUsersByNameAndByNumber) {
    EXPECT_EQ(FindUser("root"), 0U);
    EXPECT_EQ(FindUser("0"), 0U);
    EXPECT_EQ(FindUser("4294967294"), 4294967294U);
}

TEST(ServerTrust, FindsNoUserThatCannotBe) {
    for (const char* const user :
         {"", "-1", "4294967295", "99999999999", "12 ", "0x1", "no such user"})
        EXPECT_FALSE(FindUser(user)) << user;
}

TEST(ServerTrust, KnowsWhoCanPutASocketIntoADirectory) {
    const device::TempDir dir;
    const std::string path = dir.File("shmd");
    ASSERT_EQ(::mkdir(path.c_str(), 0755), 0);
    EXPECT_TRUE(IsDirectoryOf(::geteuid(), path));
    ::chmod(path.c_str(), 0775);
    EXPECT_FALSE(IsDirectoryOf(::geteuid(), path)) << "a group may write there";
    ::chmod(path.c_str(), 0757);
    EXPECT_FALSE(IsDirectoryOf(::geteuid(), path)) << "others may write there";
    EXPECT_FALSE(IsDirectoryOf(::geteuid(), dir.File("absent")));
}

TEST(ServerTrust, DoesNotFollowALinkToADirectory) {
    const device::TempDir dir;
    ASSERT_EQ(::mkdir(dir.File("shmd").c_str(), 0755), 0);
    ASSERT_EQ(::symlink("shmd", dir.File("link").c_str()), 0);
    EXPECT_FALSE(IsDirectoryOf(::geteuid(), dir.File("link")));
}

TEST(ServerTrust, KnowsADirectoryOfAnotherUser) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
    const device::TempDir dir;
    const std::string path = dir.File("shmd");
    ASSERT_EQ(::mkdir(path.c_str(), 0755), 0);
    ASSERT_EQ(::chown(path.c_str(), kOther, kOther), 0);
    EXPECT_TRUE(IsDirectoryOf(kOther, path));
    EXPECT_FALSE(IsDirectoryOf(kOther + 1, path));
}

}  // namespace
}  // namespace shmd::ipc
