#include "session/accepted_socket.h"

#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <cstring>

namespace shmd::session {

namespace {

void TakeFds(const cmsghdr& rights, std::span<int> numbers, size_t& count) noexcept {
    const size_t bytes =
        std::min<size_t>(rights.cmsg_len - CMSG_LEN(0), numbers.size_bytes());
    std::memcpy(numbers.data(), CMSG_DATA(&rights), bytes);
    count = bytes / sizeof(int);
}

}  // namespace

void AcceptedSocket::LetFdsCome() noexcept {
    may_bring_fds_ = true;
    ipc::LetDescriptorsCome(socket_.Get(), true);
}

void AcceptedSocket::BeginToClose() noexcept {
    const int on = 1;
    ::setsockopt(socket_.Get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    ::shutdown(socket_.Get(), SHUT_RD);
}

bool AcceptedSocket::TakeOne(Fds& fds) noexcept {
    // With SO_PASSCRED a message comes with its sender, also one of no bytes; the end of
    // the connection, which has no bytes either, does not.
    constexpr size_t kBytes = CMSG_SPACE(sizeof(ucred)) + CMSG_SPACE(sizeof fds.numbers);
    alignas(cmsghdr) char control[kBytes];
    msghdr message{};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    // A reset is told once, before what is still queued: only EAGAIN means empty.
    if (::recvmsg(socket_.Get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) < 0)
        return errno == ECONNRESET || errno == EINTR;
    for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
         header = CMSG_NXTHDR(&message, header))
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            TakeFds(*header, fds.numbers, fds.count);
    return message.msg_controllen != 0;
}

}  // namespace shmd::session
