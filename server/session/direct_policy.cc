#include "session/direct_policy.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>
#include <algorithm>
#include <stdexcept>

namespace shmd::session {

namespace {

constexpr int kMostGroups = 1024;

[[noreturn]] void Refuse(const std::string& name, const char* what) {
    throw std::invalid_argument{
        "direct: there is no " + std::string{what} + " '" + name +
        "'; no, yes, same_user, or users and @groups are allowed"};
}

uid_t RequireUser(const std::string& name) {
    const passwd* const entry = ::getpwnam(name.c_str());
    if (entry == nullptr) Refuse(name, "user");
    return entry->pw_uid;
}

gid_t RequireGroup(const std::string& name) {
    const group* const entry = ::getgrnam(name.c_str());
    if (entry == nullptr) Refuse(name, "group");
    return entry->gr_gid;
}

std::vector<gid_t> GroupsOf(const ucred& peer) {
    std::vector<gid_t> groups{peer.gid};
    const passwd* const entry = ::getpwuid(peer.uid);
    if (entry == nullptr) return groups;
    int count = kMostGroups;
    groups.resize(kMostGroups);
    if (::getgrouplist(entry->pw_name, peer.gid, groups.data(), &count) < 0) count = 0;
    groups.resize(static_cast<size_t>(count));
    return groups;
}

}  // namespace

DirectPolicy::DirectPolicy(std::string_view text) {
    if (text.empty() || text == "no") return;
    everybody_ = text == "yes";
    if (text == "same_user") users_.push_back(::geteuid());
    if (everybody_ || !users_.empty()) return;
    while (!text.empty()) {
        const size_t comma = std::min(text.find(','), text.size());
        const std::string name{text.substr(0, comma)};
        if (name.starts_with('@'))
            groups_.push_back(RequireGroup(name.substr(1)));
        else
            users_.push_back(RequireUser(name));
        text.remove_prefix(std::min(comma + 1, text.size()));
    }
}

bool DirectPolicy::Allows(const ucred& peer) const {
    if (everybody_ || std::ranges::find(users_, peer.uid) != users_.end()) return true;
    if (groups_.empty()) return false;
    const std::vector<gid_t> groups = GroupsOf(peer);
    return std::ranges::find_first_of(groups, groups_) != groups.end();
}

}  // namespace shmd::session
