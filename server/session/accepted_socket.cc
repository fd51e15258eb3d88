#include "session/accepted_socket.h"

#include <sys/socket.h>

namespace shmd::session {

namespace {

/** Receive one message, and forget it. @return false when there is none. */
bool DiscardOne(int socket) noexcept {
    // With SO_PASSCRED a message comes with its sender, also one of no bytes; the end of
    // the connection, which has no bytes either, does not. There is no room for
    // descriptors: the kernel closes them.
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
    msghdr message{};
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    return ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) >= 0 &&
           message.msg_controllen != 0;
}

}  // namespace

AcceptedSocket::~AcceptedSocket() {
    if (!socket_) return;
    const int on = 1;
    ::setsockopt(socket_.Get(), SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
    ::shutdown(socket_.Get(), SHUT_RD);  // from here on nothing more comes
    while (DiscardOne(socket_.Get())) {
    }
}

}  // namespace shmd::session
