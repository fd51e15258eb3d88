#include "session/right.h"

#include "ipc/socket.h"

#include <grp.h>
#include <pwd.h>
#include <unistd.h>
#include <algorithm>
#include <stdexcept>

namespace shmd::session {

namespace {

constexpr std::string_view kSeparators = ", \t";

// The group that owns /dev/snd/* on Debian and nearly everywhere.
constexpr const char* kCardGroup = "audio";

[[noreturn]] void Refuse(std::string_view key, const std::string& name,
                         const char* what) {
    throw std::invalid_argument{
        std::string{key} + ": there is no " + what + " '" + name +
        "'; no, yes, or a list of same_user, users and @groups are allowed"};
}

}  // namespace

Right::Right(std::string_view key, std::string_view text) {
    if (text.empty() || text == "no") return;
    everybody_ = text == "yes";
    while (!everybody_ && !text.empty()) {
        const size_t end = std::min(text.find_first_of(kSeparators), text.size());
        if (end > 0) AddName(key, std::string{text.substr(0, end)});
        text.remove_prefix(std::min(end + 1, text.size()));
    }
}

void Right::AddName(std::string_view key, const std::string& name) {
    if (name == "same_user") {
        users_.push_back(::geteuid());
    } else if (name.starts_with('@')) {
        const group* const entry = ::getgrnam(name.c_str() + 1);
        if (entry == nullptr) Refuse(key, name.substr(1), "group");
        groups_.push_back(entry->gr_gid);
    } else {
        const passwd* const entry = ::getpwnam(name.c_str());
        if (entry == nullptr) Refuse(key, name, "user");
        users_.push_back(entry->pw_uid);
    }
}

Right Right::ToHear(bool is_systems_server) {
    Right right;
    right.users_.push_back(::geteuid());
    if (!is_systems_server) return right;
    if (const group* const entry = ::getgrnam(kCardGroup); entry != nullptr)
        right.groups_.push_back(entry->gr_gid);
    return right;
}

bool Right::Allows(const ucred& peer, int socket) const {
    if (everybody_ || std::ranges::find(users_, peer.uid) != users_.end()) return true;
    if (groups_.empty()) return false;
    if (std::ranges::find(groups_, peer.gid) != groups_.end()) return true;
    const std::vector<gid_t> groups = ipc::PeerGroupsOf(socket);
    return std::ranges::find_first_of(groups, groups_) != groups.end();
}

}  // namespace shmd::session
