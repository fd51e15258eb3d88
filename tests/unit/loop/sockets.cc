#include "sockets.h"

#include "base/error.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace shmd::loop {

std::pair<base::UniqueFd, base::UniqueFd> SocketPair(int flags) {
    int ends[2];
    base::RequireNonNegative(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0, ends),
        "socketpair");
    return {base::UniqueFd{ends[0]}, base::UniqueFd{ends[1]}};
}

base::UniqueFd NumberedFd(uint64_t number) {
    const int fd = eventfd(static_cast<unsigned>(number), EFD_CLOEXEC | EFD_NONBLOCK);
    return base::UniqueFd{base::RequireNonNegative(fd, "eventfd")};
}

uint64_t NumberOf(const base::UniqueFd& fd) {
    uint64_t number = 0;
    if (read(fd.Get(), &number, sizeof(number)) != sizeof(number)) return 0;
    return number;
}

bool SendNow(const base::UniqueFd& socket, std::string_view text,
             std::span<const base::UniqueFd> fds) {
    iovec payload{const_cast<char*>(text.data()), text.size()};
    msghdr header{};
    header.msg_iov = &payload;
    header.msg_iovlen = 1;
    std::vector<std::byte> control(CMSG_SPACE(fds.size() * sizeof(int)));
    if (!fds.empty()) {
        header.msg_control = control.data();
        header.msg_controllen = control.size();
        cmsghdr* rights = CMSG_FIRSTHDR(&header);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(fds.size() * sizeof(int));
        for (size_t i = 0; i < fds.size(); ++i) {
            const int fd = fds[i].Get();
            std::memcpy(CMSG_DATA(rights) + i * sizeof(int), &fd, sizeof(int));
        }
    }
    return sendmsg(socket.Get(), &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

std::optional<std::string> ReceiveNow(const base::UniqueFd& socket) {
    std::string text(65536, '\0');
    const ssize_t length = recv(socket.Get(), text.data(), text.size(), MSG_DONTWAIT);
    if (length < 0) return std::nullopt;
    text.resize(static_cast<size_t>(length));
    return text;
}

}  // namespace shmd::loop
