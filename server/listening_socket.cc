#include "listening_socket.h"

#include "base/error.h"
#include "ipc/address.h"
#include "ipc/fd_passing.h"
#include "ipc/socket.h"
#include "wire/codec.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <cerrno>
#include <string_view>

namespace shmd {

namespace {

// So many connections, each of some 20 us, are before the one that comes last.
constexpr int kBacklog = 128;
constexpr int kAnswerTimeoutMs = 3000;
constexpr std::string_view kSystemDirectory = "/run/shmd/";

void MakeDirectoryOf(const std::string& path) {
    const std::string directory = path.substr(0, path.rfind('/'));
    if (directory.empty() || directory == path) return;
    if (::mkdir(directory.c_str(), 0700) != 0 && errno != EEXIST)
        base::ThrowErrno(("making the directory " + directory).c_str());
}

base::UniqueFd OpenLocked(const std::string& name, const std::string& path) {
    base::UniqueFd lock{
        ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600)};
    if (!lock) base::ThrowErrno(("opening " + name).c_str());
    if (::flock(lock.Get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) base::ThrowError(EADDRINUSE, path.c_str());
        base::ThrowErrno(("locking " + name).c_str());
    }
    return lock;
}

bool IsAt(int fd, const std::string& path) {
    struct stat opened {};
    struct stat present {};
    return ::fstat(fd, &opened) == 0 && ::lstat(path.c_str(), &present) == 0 &&
           opened.st_dev == present.st_dev && opened.st_ino == present.st_ino;
}

/** The lock file beside the socket: the server that holds it may replace the socket. */
base::UniqueFd Lock(const std::string& path) {
    const std::string name = path + ".lock";
    for (;;) {
        // Deleted between open and flock: a lock that no other server looks at.
        base::UniqueFd lock = OpenLocked(name, path);
        if (IsAt(lock.Get(), name)) return lock;
    }
}

/**
 * Whether somebody is behind a connection. A server that was killed leaves its socket for
 * a moment longer, until the kernel has taken its io_uring apart: that accepts, answers
 * nothing, and ends.
 */
bool Answers(int connection) {
    auto hello = wire::MakeMessage<wire::Hello>();
    hello.version = wire::kProtocolVersion;
    if (ipc::SendMessage(connection, wire::BytesOf(hello), std::span<const int>{}, 0) !=
        0)
        return false;
    pollfd answer{connection, POLLIN, 0};
    int ready = 0;
    do {
        ready = ::poll(&answer, 1, kAnswerTimeoutMs);
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) return true;  // it hangs
    std::byte byte{};
    return ::recv(connection, &byte, sizeof byte, MSG_DONTWAIT) > 0;
}

void RemoveStaleSocket(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return;
    if (!S_ISSOCK(status.st_mode))
        base::ThrowError(EEXIST, (path + " is there and is not a socket").c_str());
    // A server without our lock (another namespace's lock file) may still answer.
    if (const base::UniqueFd connection = ipc::TryConnect(path);
        connection && Answers(connection.Get()))
        base::ThrowError(EADDRINUSE, path.c_str());
    ::unlink(path.c_str());
}

base::UniqueFd Bind(const std::string& path) {
    const auto address = ipc::FindAddress(path);
    if (!address) base::ThrowError(ENAMETOOLONG, path.c_str());
    base::UniqueFd fd{base::RequireNonNegative(
        ::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0), "socket")};
    if (::bind(fd.Get(), reinterpret_cast<const sockaddr*>(&*address), sizeof *address) !=
        0)
        base::ThrowErrno(("binding " + path).c_str());
    // Who may reach the socket is the directory's matter; who may do what, the server's.
    ::chmod(path.c_str(), 0666);
    // None before the Hello: closing one may take long, and no account is charged yet.
    ipc::LetDescriptorsCome(fd.Get(), false);
    base::RequireNonNegative(::listen(fd.Get(), kBacklog), "listen");
    return fd;
}

}  // namespace

ListeningSocket::ListeningSocket(std::string path) : path_{std::move(path)} {
    MakeDirectoryOf(path_);
    lock_ = Lock(path_);
    RemoveStaleSocket(path_);
    fd_ = Bind(path_);
    id_ = Identify(path_);
}

ListeningSocket::~ListeningSocket() {
    // The lock file stays: removing it would let two servers lock two files of one name.
    // The socket that is there may be another server's: see the class comment.
    if (!path_.empty() && Identify(path_) == id_) ::unlink(path_.c_str());
}

ListeningSocket::FileId ListeningSocket::Identify(const std::string& path) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};
    return {.device = status.st_dev, .inode = status.st_ino};
}

bool IsSystemsServer(int listening) noexcept {
    if (::geteuid() == 0) return true;
    sockaddr_un address{};
    socklen_t size = sizeof address;
    return ::getsockname(listening, reinterpret_cast<sockaddr*>(&address), &size) == 0 &&
           std::string_view{address.sun_path, sizeof address.sun_path}.starts_with(
               kSystemDirectory);
}

base::UniqueFd FindPassedSocket() {
    const int count = ::sd_listen_fds(/*unset_environment=*/1);
    if (count < 0) base::ThrowError(-count, "LISTEN_FDS");
    if (count == 0) return {};
    base::UniqueFd fd{SD_LISTEN_FDS_START};
    if (count > 1) base::ThrowError(E2BIG, "LISTEN_FDS: one socket is expected");
    if (::sd_is_socket_unix(fd.Get(), SOCK_SEQPACKET, /*listening=*/1, nullptr, 0) <= 0)
        base::ThrowError(EPROTOTYPE, "LISTEN_FDS: not a listening SOCK_SEQPACKET socket");
    // systemd lets 4096 connections queue, which one user alone can have there at all
    // times, before another user's.
    base::RequireNonNegative(::listen(fd.Get(), kBacklog), "LISTEN_FDS: listen");
    ipc::LetDescriptorsCome(fd.Get(), false);
    return fd;
}

}  // namespace shmd
