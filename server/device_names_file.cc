#include "device_names_file.h"

#include "base/error.h"
#include "ipc/device_names.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace shmd {

namespace {

// Every user may read it. The server's umask does not count.
constexpr mode_t kReadable = 0644;

std::string PathOf(int listening) {
    sockaddr_un address{};
    socklen_t size = sizeof address;
    base::RequireNonNegative(
        ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size),
        "getsockname");
    const std::string path{address.sun_path,
                           ::strnlen(address.sun_path, sizeof address.sun_path)};
    if (path.empty()) base::ThrowError(ENOENT, "the socket is no file");
    return path;
}

std::string TextOf(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += name + "\n";
    return text.substr(0, ipc::kMostDeviceNamesBytes);
}

}  // namespace

DeviceNamesFile::DeviceNamesFile(int listening, const std::vector<std::string>& names)
    : path_{ipc::DeviceNamesPath(PathOf(listening))} {
    const std::string part = path_ + ".part";
    const std::string text = TextOf(names);
    ::unlink(part.c_str());
    file_ = base::UniqueFd{::open(
        part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kReadable)};
    if (!file_) base::ThrowErrno(("making " + part).c_str());
    // Locked before it has its name: a client never sees it unlocked.
    const bool is_written = ::flock(file_.Get(), LOCK_EX | LOCK_NB) == 0 &&
                            ::fchmod(file_.Get(), kReadable) == 0 &&
                            ::write(file_.Get(), text.data(), text.size()) ==
                                static_cast<ssize_t>(text.size()) &&
                            ::rename(part.c_str(), path_.c_str()) == 0;
    if (is_written) return;
    const int error = errno;
    ::unlink(part.c_str());
    base::ThrowError(error == 0 ? EIO : error, ("writing " + path_).c_str());
}

DeviceNamesFile::~DeviceNamesFile() {
    struct stat ours {};
    struct stat present {};
    if (::fstat(file_.Get(), &ours) == 0 && ::lstat(path_.c_str(), &present) == 0 &&
        ours.st_dev == present.st_dev && ours.st_ino == present.st_ino)
        ::unlink(path_.c_str());
}

}  // namespace shmd
