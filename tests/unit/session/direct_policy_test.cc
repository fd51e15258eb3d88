#include "session/direct_policy.h"

#include <grp.h>
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>
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
        DirectPolicy policy{text};
    } catch (const std::invalid_argument& refusal) {
        return refusal.what();
    }
    return "";
}

ucred Peer(uid_t uid, gid_t gid = kNobodys) {
    return {.pid = 1, .uid = uid, .gid = gid};
}

TEST(DirectPolicy, AllowsNobodyByNoOrNothing) {
    for (const char* text : {"no", ""}) {
        const DirectPolicy policy{text};
        EXPECT_FALSE(policy.Allows(Peer(0, 0))) << text;
        EXPECT_FALSE(policy.Allows(Peer(::geteuid(), ::getegid()))) << text;
    }
}

TEST(DirectPolicy, AllowsEverybodyByYes) {
    EXPECT_TRUE(DirectPolicy{"yes"}.Allows(Peer(kNobodys)));
}

TEST(DirectPolicy, AllowsWhoRunsTheServerAndNobodyElse) {
    const DirectPolicy policy{"same_user"};
    EXPECT_TRUE(policy.Allows(Peer(::geteuid())));
    EXPECT_FALSE(policy.Allows(Peer(::geteuid() + 1)));
    EXPECT_FALSE(policy.Allows(Peer(kNobodys, ::getegid()))) << "a group is no user";
}

TEST(DirectPolicy, AllowsTheUsersOfAList) {
    const DirectPolicy policy{kUser};
    EXPECT_TRUE(policy.Allows(Peer(0)));
    EXPECT_FALSE(policy.Allows(Peer(kNobodys, 0)));
}

TEST(DirectPolicy, AllowsAGroupByTheGroupThatAProcessHas) {
    const std::string name = NameOfGroup(0);
    if (name.empty()) GTEST_SKIP() << "no group has the number 0";
    const DirectPolicy policy{"@" + name};
    EXPECT_TRUE(policy.Allows(Peer(kNobodys, 0))) << "the system does not know the user";
    EXPECT_TRUE(policy.Allows(Peer(0, 0)));
    EXPECT_FALSE(policy.Allows(Peer(kNobodys)));
}

TEST(DirectPolicy, TakesUsersAndGroupsTogether) {
    const std::string name = NameOfGroup(0);
    if (name.empty()) GTEST_SKIP() << "no group has the number 0";
    const DirectPolicy policy{std::string{kUser} + ",@" + name + ","};
    EXPECT_TRUE(policy.Allows(Peer(0)));
    EXPECT_TRUE(policy.Allows(Peer(kNobodys, 0)));
    EXPECT_FALSE(policy.Allows(Peer(kNobodys)));
}

TEST(DirectPolicy, NamesTheUserOrGroupThatThereIsNot) {
    EXPECT_NE(RefusalOf("nonesuch").find("there is no user 'nonesuch'"),
              std::string::npos);
    EXPECT_NE(RefusalOf("root,@nonesuch").find("there is no group 'nonesuch'"),
              std::string::npos);
    EXPECT_NE(RefusalOf("root,,root").find("there is no user ''"), std::string::npos);
    EXPECT_NE(RefusalOf("root,yes").find("there is no user 'yes'"), std::string::npos)
        << "a word that means everybody is no item of a list";
}

}  // namespace
}  // namespace shmd::session
