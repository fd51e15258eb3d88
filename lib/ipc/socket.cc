#include "ipc/socket.h"

#include "base/error.h"
#include "ipc/address.h"

#include <sys/time.h>
#include <cerrno>
#include <cstdlib>

namespace shmd::ipc {

namespace {

// A live server accepts at once; a stopped one (SIGSTOP, swapped out) must not hang an
// application that merely opens every PCM it finds.
constexpr timeval kConnectTimeout{2, 0};

#ifdef SO_PASSRIGHTS
constexpr int kPassRights = SO_PASSRIGHTS;
#elif defined __sparc__ || defined __hppa__
constexpr int kPassRights = -1;  // they number options otherwise
#else
constexpr int kPassRights = 83;  // asm-generic/socket.h of Linux 6.16
#endif

}  // namespace

std::string Environment(const char* name) {
    const char* value = ::secure_getenv(name);
    return value == nullptr ? "" : value;
}

std::string ServerSocketPath(const std::string& configured) {
    return ClientSocketPaths(configured).front();
}

std::vector<std::string> ClientSocketPaths(const std::string& configured) {
    if (!configured.empty()) return {configured};
    if (const std::string path = Environment("SHMD_SOCKET"); !path.empty()) return {path};
    std::vector<std::string> paths;
    if (const std::string run = Environment("XDG_RUNTIME_DIR"); !run.empty())
        paths.push_back(run + "/shmd/socket");
    paths.emplace_back(kSystemSocket);
    return paths;
}

base::UniqueFd TryConnect(const std::string& path) noexcept {
    const auto address = FindAddress(path);
    if (!address) {
        errno = ENAMETOOLONG;
        return {};
    }
    base::UniqueFd fd{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    if (!fd) return {};
    // connect(2) to a Unix socket waits while the backlog is full, as long as this
    // allows.
    ::setsockopt(fd.Get(), SOL_SOCKET, SO_SNDTIMEO, &kConnectTimeout,
                 sizeof kConnectTimeout);
    int result = 0;
    do {
        result = ::connect(fd.Get(), reinterpret_cast<const sockaddr*>(&*address),
                           sizeof *address);
    } while (result < 0 && errno == EINTR);
    if (result < 0) fd.Reset();
    return fd;
}

void LetDescriptorsCome(int socket, bool may_come) noexcept {
    const int value = may_come ? 1 : 0;
    ::setsockopt(socket, SOL_SOCKET, kPassRights, &value, sizeof value);
}

bool DescriptorsMayCome(int socket) noexcept {
    int value = 1;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, kPassRights, &value, &size) != 0 ||
           value != 0;
}

ucred PeerOf(int socket) {
    ucred peer{};
    socklen_t size = sizeof peer;
    base::RequireNonNegative(::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size),
                             "SO_PEERCRED");
    return peer;
}

std::vector<gid_t> PeerGroupsOf(int socket) {
    std::vector<gid_t> groups(64);
    for (;;) {
        auto size = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
        const int result =
            ::getsockopt(socket, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size);
        // With ERANGE the kernel tells the size, of NGROUPS_MAX groups at most.
        if (result != 0 && errno != ERANGE) base::ThrowErrno("SO_PEERGROUPS");
        groups.resize(size / sizeof(gid_t));
        if (result == 0) return groups;
    }
}

}  // namespace shmd::ipc
