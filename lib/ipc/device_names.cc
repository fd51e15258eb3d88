#include "ipc/device_names.h"

#include "base/unique_fd.h"
#include "ipc/server_trust.h"
#include "ipc/socket.h"
#include "wire/limits.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <algorithm>
#include <array>
#include <cerrno>

namespace shmd::ipc {

namespace {

bool IsNameCharacter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           c == '_' || c == '-';
}

bool IsName(std::string_view text) {
    return !text.empty() && text.size() < wire::kMaxNameBytes &&
           std::ranges::all_of(text, IsNameCharacter);
}

/** Whether another process holds the lock that a live server holds. */
bool IsHeld(int fd) {
    return ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

std::vector<std::string> NamesAt(const std::string& socket_path) {
    // O_NONBLOCK: a FIFO of this name must not hold the program.
    const base::UniqueFd file{
        ::open(DeviceNamesPath(socket_path).c_str(),
               O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
    struct stat status {};
    if (!file || ::fstat(file.Get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
    if (!IsTrusted(status.st_uid, socket_path, "") || !IsHeld(file.Get())) return {};
    std::array<char, kMostDeviceNamesBytes> text{};
    const ssize_t bytes = ::read(file.Get(), text.data(), text.size());
    return DeviceNamesIn({text.data(), bytes < 0 ? 0 : static_cast<size_t>(bytes)});
}

}  // namespace

std::string DeviceNamesPath(const std::string& socket_path) {
    return socket_path + ".devices";
}

std::vector<std::string> FindDeviceNames() {
    for (const std::string& path : ClientSocketPaths(""))
        if (auto names = NamesAt(path); !names.empty()) return names;
    return {};
}

std::vector<std::string> DeviceNamesIn(std::string_view text) {
    std::vector<std::string> names;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        if (IsName(line)) names.emplace_back(line);
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return names;
}

}  // namespace shmd::ipc
