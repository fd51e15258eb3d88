#include "ipc/fd_passing.h"

#include "tests/support/fd_checked_test.h"
#include "tests/support/full_fd_table.h"
#include "tests/unit/loop/sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

namespace shmd::ipc {
namespace {

class FdPassing : public test::FdCheckedTest {
  protected:
    FdPassing() {
        auto [a, b] = loop::SocketPair();
        here_ = std::move(a);
        there_ = std::move(b);
    }

    int Send(std::string_view text, std::span<const int> fds = {}) {
        return SendMessage(here_.Get(), std::as_bytes(std::span{text}), fds,
                           MSG_DONTWAIT);
    }

    Received Receive() {
        return ReceiveMessage(there_.Get(), buffer_, fds_, MSG_DONTWAIT);
    }

    /** More descriptors than SendMessage lets through. */
    void SendManyFds(size_t count) {
        const auto fds = loop::NumberedFds(1, count);
        ASSERT_TRUE(loop::SendNow(here_, "many", fds));
    }

    base::UniqueFd here_;
    base::UniqueFd there_;
    std::array<std::byte, 64> buffer_{};
    FdList fds_;
};

TEST_F(FdPassing, DeliversAMessageWhole) {
    EXPECT_EQ(Send("hello"), 0);
    const Received received = Receive();
    EXPECT_EQ(received.error, 0);
    EXPECT_EQ(loop::Text(std::span{buffer_}.first(received.bytes)), "hello");
}

TEST_F(FdPassing, KeepsMessagesApart) {
    Send("one");
    Send("three");
    EXPECT_EQ(Receive().bytes, 3U);
    EXPECT_EQ(Receive().bytes, 5U);
}

TEST_F(FdPassing, JoinsTwoPiecesIntoOneMessage) {
    const std::string_view head = "head";
    const std::string_view body = "body";
    EXPECT_EQ(SendMessage(here_.Get(), std::as_bytes(std::span{head}),
                          std::as_bytes(std::span{body}), MSG_DONTWAIT),
              0);
    EXPECT_EQ(loop::Text(std::span{buffer_}.first(Receive().bytes)), "headbody");
}

TEST_F(FdPassing, DeliversADescriptorThatIsClosedOnExec) {
    const base::UniqueFd sent = loop::NumberedFd(42);
    const int raw = sent.Get();
    EXPECT_EQ(Send("fd", {&raw, 1}), 0);
    EXPECT_EQ(Receive().error, 0);
    ASSERT_EQ(fds_.Count(), 1U);
    EXPECT_NE(::fcntl(fds_.All()[0].Get(), F_GETFD) & FD_CLOEXEC, 0);
    EXPECT_EQ(loop::NumberOf(fds_.All()[0]), 42U);
}

TEST_F(FdPassing, LeavesTheSendersDescriptorOpen) {
    const base::UniqueFd sent = loop::NumberedFd(1);
    const int raw = sent.Get();
    Send("fd", {&raw, 1});
    EXPECT_GE(::fcntl(raw, F_GETFD), 0);
}

TEST_F(FdPassing, RefusesToSendMoreDescriptorsThanTheProtocolHas) {
    const std::array raw{here_.Get(), there_.Get()};
    EXPECT_EQ(Send("fds", raw), EINVAL);
}

TEST_F(FdPassing, ClosesTheDescriptorsOfAMessageThatDidNotFit) {
    const base::UniqueFd sent = loop::NumberedFd(1);
    const int raw = sent.Get();
    EXPECT_EQ(Send(std::string(buffer_.size() + 1, 'x'), {&raw, 1}), 0);
    EXPECT_EQ(Receive().error, EMSGSIZE);
    EXPECT_EQ(fds_.Count(), 0U);
}

TEST_F(FdPassing, ClosesTheDescriptorsOfAListThatDidNotFit) {
    SendManyFds(5);
    EXPECT_EQ(Receive().error, EMSGSIZE);
    EXPECT_EQ(fds_.Count(), 0U);
}

TEST_F(FdPassing, ClosesTheDescriptorsOfAListThatIsOneTooLong) {
    SendManyFds(2);
    EXPECT_EQ(Receive().error, EMSGSIZE);
    EXPECT_EQ(fds_.Count(), 0U);
}

TEST_F(FdPassing, ClosesTheDescriptorsOfTheMessageBefore) {
    const base::UniqueFd sent = loop::NumberedFd(7);
    const int raw = sent.Get();
    Send("with", {&raw, 1});
    Send("without");
    EXPECT_EQ(Receive().error, 0);
    EXPECT_EQ(fds_.Count(), 1U);
    EXPECT_EQ(Receive().error, 0);
    EXPECT_EQ(fds_.Count(), 0U);
}

TEST_F(FdPassing, DeliversAMessageWhoseDescriptorThisProcessHasNoRoomFor) {
    const base::UniqueFd sent = loop::NumberedFd(7);
    const int raw = sent.Get();
    Send("with", {&raw, 1});
    const test::FullFdTable full;
    const Received received = Receive();
    EXPECT_EQ(received.error, 0);
    EXPECT_EQ(received.bytes, 4U);
    EXPECT_EQ(received.fds_error, EMFILE);
    EXPECT_EQ(fds_.Count(), 0U);
}

TEST_F(FdPassing, BlamesThePeerForALongListEvenWhenThisProcessHasNoRoom) {
    const base::UniqueFd sent = loop::NumberedFd(7);
    const int raw = sent.Get();
    Send(std::string(buffer_.size() + 1, 'x'), {&raw, 1});
    const test::FullFdTable full;
    EXPECT_EQ(Receive().error, EMSGSIZE);
}

TEST_F(FdPassing, SaysThatThereIsNoMessageYet) {
    EXPECT_EQ(Receive().error, EAGAIN);
}

TEST_F(FdPassing, SaysThatThePeerIsGone) {
    here_.Reset();
    EXPECT_EQ(Receive().error, ECONNRESET);
}

TEST_F(FdPassing, SendsToAPeerThatIsGoneWithoutASignal) {
    there_.Reset();
    EXPECT_EQ(Send("x"), EPIPE);  // SIGPIPE would have ended the test
}

TEST_F(FdPassing, SaysThatThePeersSocketIsFull) {
    int error = 0;
    for (int i = 0; i < 100'000 && error == 0; ++i)
        error = Send("x");
    EXPECT_EQ(error, EAGAIN);
}

}  // namespace
}  // namespace shmd::ipc
