#include "ipc/server_trust.h"

#include "ipc/socket.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <charconv>
#include <vector>

namespace shmd::ipc {

namespace {

constexpr size_t kMostEntryBytes = size_t{1} << 20;

std::optional<uid_t> FindName(const std::string& name) {
    std::vector<char> buffer(1024);
    for (;;) {
        passwd entry{};
        passwd* found = nullptr;
        const int error =
            ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
        if (error == 0 && found != nullptr) return found->pw_uid;
        if (error != ERANGE || buffer.size() >= kMostEntryBytes) return {};
        buffer.resize(buffer.size() * 2);
    }
}

}  // namespace

std::optional<uid_t> FindUser(const std::string& user) {
    uid_t number = 0;
    const char* const end = user.data() + user.size();
    const auto [parsed, error] = std::from_chars(user.data(), end, number);
    if (error == std::errc{} && parsed == end) {
        const bool is_user = number != static_cast<uid_t>(-1);  // chown(2)'s "no change"
        return is_user ? std::optional{number} : std::nullopt;
    }
    return user.empty() ? std::nullopt : FindName(user);
}

bool IsDirectoryOf(uid_t owner, const std::string& directory) noexcept {
    struct stat status {};
    return ::lstat(directory.c_str(), &status) == 0 && S_ISDIR(status.st_mode) &&
           (status.st_uid == 0 || status.st_uid == owner) &&
           (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

bool IsTrusted(uid_t owner, const std::string& path, const std::string& named) {
    if (owner == 0 || owner == ::geteuid() || owner == ::getuid()) return true;
    if (path == kSystemSocket && IsDirectoryOf(owner, path.substr(0, path.rfind('/'))))
        return true;
    const std::string user = named.empty() ? Environment("SHMD_SERVER_USER") : named;
    return FindUser(user) == owner;
}

}  // namespace shmd::ipc
