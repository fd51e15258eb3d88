#include "session/accepted_socket.h"

#include "tests/support/fd_checked_test.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>
#include <optional>

namespace shmd::session {
namespace {

struct Ends {
    base::UniqueFd one;
    base::UniqueFd other;
};

Ends MakeSockets() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
    return {.one = base::UniqueFd{fds[0]}, .other = base::UniqueFd{fds[1]}};
}

Ends MakePipe() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
    return {.one = base::UniqueFd{fds[0]}, .other = base::UniqueFd{fds[1]}};
}

void SendWithFd(int socket, int fd) {
    char byte = 'x';
    iovec data{.iov_base = &byte, .iov_len = 1};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)]{};
    msghdr message{};
    message.msg_iov = &data;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    *reinterpret_cast<int*>(CMSG_DATA(header)) = fd;
    ASSERT_EQ(::sendmsg(socket, &message, 0), 1);
}

class AcceptedSocketTest : public test::FdCheckedTest {
  protected:
    void Close() {
        accepted_->BeginToClose();
        while (accepted_->DiscardOne([](const base::UniqueFd&) {})) {
        }
        accepted_.reset();
    }

    Ends sockets_ = MakeSockets();
    std::optional<AcceptedSocket> accepted_{std::move(sockets_.one)};
    char byte_ = 0;
};

TEST_F(AcceptedSocketTest, IsEmptyWhenItIsClosed) {
    for (const size_t size : {1U, 0U, 0U, 1U})  // what has no bytes is no end
        ASSERT_EQ(::send(sockets_.other.Get(), "x", size, 0), static_cast<ssize_t>(size));
    Close();
    // The end of one that had something to receive is ECONNRESET.
    EXPECT_EQ(::recv(sockets_.other.Get(), &byte_, 1, MSG_DONTWAIT), 0);
}

TEST_F(AcceptedSocketTest, ClosesTheDescriptorsThatWereNotReceived) {
    Ends pipe = MakePipe();
    SendWithFd(sockets_.other.Get(), pipe.other.Get());
    pipe.other.Reset();
    EXPECT_EQ(::read(pipe.one.Get(), &byte_, 1), -1);
    EXPECT_EQ(errno, EAGAIN);
    Close();
    EXPECT_EQ(::read(pipe.one.Get(), &byte_, 1), 0);
}

TEST_F(AcceptedSocketTest, IsEmptiedBehindTheResetOfAClientThatIsGone) {
    ASSERT_EQ(::send(accepted_->Get(), "x", 1, 0), 1);  // never read: a reset
    Ends pipe = MakePipe();
    SendWithFd(sockets_.other.Get(), pipe.other.Get());
    pipe.other.Reset();
    sockets_.other.Reset();
    accepted_->BeginToClose();
    int discarded = 0;
    while (accepted_->DiscardOne([&](const base::UniqueFd&) { ++discarded; })) {
    }
    EXPECT_EQ(discarded, 1);
}

TEST_F(AcceptedSocketTest, LeavesTheClientWhatItWasSent) {
    ASSERT_EQ(::send(accepted_->Get(), "x", 1, 0), 1);
    Close();
    EXPECT_EQ(::recv(sockets_.other.Get(), &byte_, 1, MSG_DONTWAIT), 1);
    EXPECT_EQ(::recv(sockets_.other.Get(), &byte_, 1, MSG_DONTWAIT), 0);
}

}  // namespace
}  // namespace shmd::session
