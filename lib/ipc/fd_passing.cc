#include "ipc/fd_passing.h"

#include "wire/limits.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <array>
#include <cerrno>
#include <cstring>

namespace shmd::ipc {

namespace {

constexpr size_t kControlBytes = CMSG_SPACE(sizeof(int) * wire::kMaxMessageFds);
// Where CMSG_SPACE rounds up there is room for one more than the protocol has.
constexpr size_t kControlFds = (kControlBytes - CMSG_LEN(0)) / sizeof(int);

int Send(int socket, std::span<iovec> pieces, std::span<const int> fds,
         int flags) noexcept {
    alignas(cmsghdr) std::array<std::byte, kControlBytes> control{};
    msghdr header{};
    header.msg_iov = pieces.data();
    header.msg_iovlen = pieces.size();
    if (!fds.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = CMSG_SPACE(fds.size_bytes());
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds.size_bytes());
        std::memcpy(CMSG_DATA(rights), fds.data(), fds.size_bytes());
    }
    ssize_t sent = 0;
    do {
        sent = ::sendmsg(socket, &header, flags | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

iovec Piece(std::span<const std::byte> bytes) noexcept {
    return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

/** @return how many there were; `fds` has as many as it has room for, the rest is closed
 */
size_t TakeFds(msghdr& header, FdList& fds) noexcept {
    size_t taken = 0;
    for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr;
         control = CMSG_NXTHDR(&header, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS)
            continue;
        // The kernel writes this length, from what it has put into our own control bytes.
        const size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < count; ++i) {
            int fd = -1;
            std::memcpy(&fd, CMSG_DATA(control) + i * sizeof fd, sizeof fd);
            fds.Add(base::UniqueFd{fd});
        }
        taken += count;
    }
    return taken;
}

/** Why the kernel did not put a descriptor into this process's table. */
int WhyNotTaken(int socket) noexcept {
    const base::UniqueFd probe{::fcntl(socket, F_DUPFD_CLOEXEC, 0)};
    return probe ? EACCES : EMFILE;
}

}  // namespace

int SendMessage(int socket, std::span<const std::byte> message, std::span<const int> fds,
                int flags) noexcept {
    if (fds.size() > wire::kMaxMessageFds) return EINVAL;
    std::array pieces{Piece(message)};
    return Send(socket, pieces, fds, flags);
}

int SendMessage(int socket, std::span<const std::byte> head,
                std::span<const std::byte> body, int flags) noexcept {
    std::array pieces{Piece(head), Piece(body)};
    return Send(socket, pieces, {}, flags);
}

Received ReceiveMessage(int socket, std::span<std::byte> buffer, FdList& fds,
                        int flags) noexcept {
    alignas(cmsghdr) std::array<std::byte, kControlBytes> control{};
    iovec piece{buffer.data(), buffer.size()};
    msghdr header{};
    header.msg_iov = &piece;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    fds.Clear();
    ssize_t received = 0;
    do {
        received = ::recvmsg(socket, &header, flags | MSG_CMSG_CLOEXEC);
    } while (received < 0 && errno == EINTR);
    if (received < 0) return {errno, 0};
    const size_t taken = TakeFds(header, fds);
    // MSG_CTRUNC means one of two things. If our control bytes are full, the peer has
    // sent more than the protocol has. Else the kernel stopped earlier, at a descriptor
    // that this process could not take (scm_detach_fds in net/core/scm.c).
    const bool is_cut = (header.msg_flags & MSG_CTRUNC) != 0;
    const bool is_too_long = (header.msg_flags & MSG_TRUNC) != 0 || taken > fds.Count() ||
                             (is_cut && taken == kControlFds);
    if (is_too_long || is_cut) fds.Clear();
    if (is_too_long) return {EMSGSIZE, 0};
    if (received == 0) return {ECONNRESET, 0};
    return {0, static_cast<size_t>(received), is_cut ? WhyNotTaken(socket) : 0};
}

}  // namespace shmd::ipc
