#include "session/right.h"

#include "base/unique_fd.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <array>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace shmd::session {
namespace {

// Everywhere: root, and the group of root.
constexpr char kUser[] = "root";
constexpr uid_t kNobodys = 3'999'999'999;  // in no list of users

std::string NameOfGroup(gid_t gid) {
    const group* const entry = ::getgrgid(gid);
    return entry == nullptr ? "" : entry->gr_name;
}

std::string RefusalOf(const std::string& text) {
    try {
        const Right right{"monitor", text};
    } catch (const std::invalid_argument& refusal) {
        return refusal.what();
    }
    return "";
}

/** A connection to this process itself: it has this process's groups. */
class RightTest : public ::testing::Test {
  protected:
    RightTest() {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
            std::abort();
        socket_.Reset(ends[0]);
        other_.Reset(ends[1]);
    }

    bool Allows(const Right& right, uid_t uid, gid_t gid = kNobodys) {
        return right.Allows({.pid = 1, .uid = uid, .gid = gid}, socket_.Get());
    }
    bool Allows(const std::string& text, uid_t uid, gid_t gid = kNobodys) {
        return Allows(Right{"monitor", text}, uid, gid);
    }

    base::UniqueFd socket_, other_;
};

TEST_F(RightTest, AllowsNobodyByNoOrNothing) {
    for (const char* text : {"no", ""}) {
        EXPECT_FALSE(Allows(text, 0, 0)) << text;
        EXPECT_FALSE(Allows(text, ::geteuid(), ::getegid())) << text;
    }
}

TEST_F(RightTest, AllowsEverybodyByYes) {
    EXPECT_TRUE(Allows("yes", kNobodys));
}

TEST_F(RightTest, AllowsTheUserWhoRunsTheServerAndNoOther) {
    EXPECT_TRUE(Allows("same_user", ::geteuid()));
    EXPECT_FALSE(Allows("same_user", ::geteuid() + 1));
    EXPECT_FALSE(Allows("same_user", kNobodys, ::getegid())) << "a group is no user";
}

TEST_F(RightTest, AllowsTheUsersOfAList) {
    EXPECT_TRUE(Allows(kUser, 0));
    EXPECT_FALSE(Allows(kUser, kNobodys, 0));
}

TEST_F(RightTest, AllowsAGroupByTheGroupThatAProcessHas) {
    const std::string name = NameOfGroup(0);
    if (name.empty()) GTEST_SKIP() << "no group has the number 0";
    EXPECT_TRUE(Allows("@" + name, kNobodys, 0)) << "the system does not know the user";
    EXPECT_TRUE(Allows("@" + name, 0, 0));
}

TEST_F(RightTest, AllowsAGroupByEachGroupOfTheConnectedProcess) {
    std::array<gid_t, 65536> groups{};
    const int count = ::getgroups(static_cast<int>(groups.size()), groups.data());
    if (count <= 0) GTEST_SKIP() << "this process has no supplementary group";
    for (int i = 0; i < count; ++i) {
        const std::string name = NameOfGroup(groups.at(static_cast<size_t>(i)));
        if (!name.empty()) {
            EXPECT_TRUE(Allows("@" + name, kNobodys)) << name;
        }
    }
}

TEST_F(RightTest, TakesUsersAndGroupsPartedByCommasOrBlanks) {
    const std::string name = NameOfGroup(0);
    if (name.empty()) GTEST_SKIP() << "no group has the number 0";
    for (const std::string between : {",", " ", ", ", "\t"}) {
        const std::string text = "same_user" + between + kUser + between + "@" + name;
        EXPECT_TRUE(Allows(text, ::geteuid())) << text;
        EXPECT_TRUE(Allows(text, 0)) << text;
        EXPECT_TRUE(Allows(text, kNobodys, 0)) << text;
    }
}

TEST_F(RightTest, ToHearIsNoMoreThanTheCardsNodeAllows) {
    EXPECT_TRUE(Allows(Right::ToHear(false), ::geteuid()));
    EXPECT_TRUE(Allows(Right::ToHear(true), ::geteuid()));
    const group* const audio = ::getgrnam("audio");
    if (audio == nullptr) GTEST_SKIP() << "there is no group audio";
    const gid_t gid = audio->gr_gid;
    EXPECT_TRUE(Allows(Right::ToHear(true), kNobodys, gid));
    EXPECT_FALSE(Allows(Right::ToHear(false), kNobodys, gid));
}

TEST_F(RightTest, NamesTheKeyAndTheUserOrGroupThatThereIsNot) {
    EXPECT_NE(RefusalOf("nonesuch").find("monitor: there is no user 'nonesuch'"),
              std::string::npos);
    EXPECT_NE(RefusalOf("root,@nonesuch").find("there is no group 'nonesuch'"),
              std::string::npos);
    EXPECT_NE(RefusalOf("root,yes").find("there is no user 'yes'"), std::string::npos)
        << "a word that means everybody is no item of a list";
}

}  // namespace
}  // namespace shmd::session
