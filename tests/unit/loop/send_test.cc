#include "loop/send.h"

#include "loop/receive.h"
#include "loop_fixture.h"
#include "sockets.h"

#include <sys/socket.h>
#include <cerrno>
#include <csignal>
#include <memory>

namespace shmd::loop {
namespace {

class SendTest : public LoopTest {
  protected:
    /** What the far end can read now. */
    std::vector<std::string> ReadAll() {
        std::vector<std::string> texts;
        while (auto text = ReceiveNow(far_))
            texts.push_back(*text);
        return texts;
    }

    /** A sender on the near end whose errors are kept. */
    std::unique_ptr<Sender> MakeSender(size_t max_queued_bytes) {
        return std::make_unique<Sender>(
            TheLoop(), Sender::Peer{7, near_.Get(), nullptr}, max_queued_bytes,
            Sender::Callbacks{.on_error = [this](int error) { errors_.push_back(error); },
                              .on_dear = [](int64_t) {}});
    }

    void TearDown() override {
        near_.Reset();
        far_.Reset();
        LoopTest::TearDown();
    }

    /** With a socket buffer that a queue of megabytes never fits into. */
    void Connect(int socket_flags = 0) {
        std::tie(near_, far_) = SocketPair(socket_flags);
        const int buffer_bytes = 65536;
        ASSERT_EQ(setsockopt(near_.Get(), SOL_SOCKET, SO_SNDBUF, &buffer_bytes,
                             sizeof(buffer_bytes)),
                  0);
    }

    base::UniqueFd near_;
    base::UniqueFd far_;
    std::vector<int> errors_;
};
SHMD_IN_BOTH_MODES(SendTest);

TEST_P(SendTest, MessagesArriveInOrder) {
    Connect();
    const auto sender = MakeSender(16384);
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(sender->Send(Bytes(std::to_string(i))));
    EXPECT_EQ(sender->QueuedBytes(), 10 * (1 + Sender::kMessageCostBytes));
    ASSERT_TRUE(RunUntil([&] { return sender->QueuedBytes() == 0; }));
    EXPECT_EQ(ReadAll(), (std::vector<std::string>{"0", "1", "2", "3", "4", "5", "6", "7",
                                                   "8", "9"}));
    EXPECT_TRUE(errors_.empty());
}

TEST_P(SendTest, DescriptorsArriveWithTheirMessageAndAreClosedHere) {
    struct Listener : Receiver::Listener {
        void OnMessage(std::span<const std::byte> message, std::span<base::UniqueFd> fds,
                       bool /*lost*/) override {
            std::string entry = Text(message);
            for (const base::UniqueFd& fd : fds)
                entry += " " + std::to_string(NumberOf(fd));
            entries.push_back(entry);
        }
        void OnBadMessage(const char* reason) override { FAIL() << reason; }
        void OnClosed(int error) override { FAIL() << error; }
        void OnDear(int64_t /*cost_ns*/) override {}
        std::vector<std::string> entries;
    } listener;
    Connect();
    Receiver receiver{TheLoop(),
                      std::make_shared<MessageBuffer>(100),
                      {7, far_.Get(), nullptr},
                      listener,
                      [](const base::UniqueFd&) {}};
    const auto sender = MakeSender(16384);
    const long before = OpenFds();
    ASSERT_TRUE(sender->Send(Bytes("a"), NumberedFds(1, 2)));
    ASSERT_TRUE(sender->Send(Bytes("b")));
    ASSERT_TRUE(sender->Send(Bytes("c"), NumberedFds(7, 3)));
    ASSERT_TRUE(sender->Send(Bytes("d"), NumberedFds(9, 1)));
    ASSERT_TRUE(RunUntil([&] { return listener.entries.size() == 4; }));
    EXPECT_EQ(listener.entries,
              (std::vector<std::string>{"a 1 2", "b", "c 7 8 9", "d 9"}));
    EXPECT_EQ(OpenFds(), before);
}

TEST_P(SendTest, TheMostDescriptorsThatTheKernelTakesGoInOneMessage) {
    Connect();
    const auto sender = MakeSender(16384);
    ASSERT_TRUE(sender->Send(Bytes("x"), NumberedFds(1, Sender::kMaxFds)));
    ASSERT_TRUE(RunUntil([&] { return sender->QueuedBytes() == 0; }));
    EXPECT_TRUE(errors_.empty());
    ASSERT_TRUE(sender->Send(Bytes("x"), NumberedFds(1, Sender::kMaxFds + 1)));
    ASSERT_TRUE(RunUntil([&] { return !errors_.empty(); }));
    EXPECT_EQ(errors_, (std::vector{EINVAL}));
}

TEST_P(SendTest, AFullQueueRefusesAndClosesTheDescriptors) {
    Connect();
    const auto sender = MakeSender(100 + 2 * Sender::kMessageCostBytes);
    EXPECT_FALSE(
        sender->Send(std::vector<std::byte>(101 + 2 * Sender::kMessageCostBytes)));
    EXPECT_TRUE(sender->Send(std::vector<std::byte>(60)));
    const long before = OpenFds();
    EXPECT_FALSE(sender->Send(std::vector<std::byte>(41), NumberedFds(1, 2)));
    EXPECT_EQ(OpenFds(), before);
    EXPECT_TRUE(sender->Send(std::vector<std::byte>(40)));
    EXPECT_FALSE(sender->Send(std::vector<std::byte>(1)));
    ASSERT_TRUE(RunUntil([&] { return sender->QueuedBytes() == 0; }));
    EXPECT_EQ(ReadAll().size(), 2U);
    EXPECT_TRUE(sender->Send(std::vector<std::byte>(100)));
    EXPECT_TRUE(errors_.empty());
}

TEST_P(SendTest, APeerThatDoesNotReadHoldsUpOnlyItself) {
    for (const int flags : {0, int{SOCK_NONBLOCK}}) {
        Connect(flags);
        const auto sender = MakeSender(16 << 20);
        for (int i = 0; i < 512; ++i)
            ASSERT_TRUE(sender->Send(std::vector<std::byte>(16384)));
        const uint64_t before = TheLoop().EnterCalls();
        RunFor(30 * base::kNsPerMs);
        ASSERT_GT(sender->QueuedBytes(), 0U) << "the socket took everything";
        EXPECT_LE(TheLoop().EnterCalls() - before, 60U) << "it spins";
        size_t received = 0;
        ASSERT_TRUE(RunUntil([&] {
            received += ReadAll().size();
            return received == 512;
        }));
        EXPECT_TRUE(errors_.empty());
    }
}

TEST_P(SendTest, APeerThatIsGoneIsAnErrorAndNoSignal) {
    ASSERT_NE(signal(SIGPIPE, SIG_DFL), SIG_ERR);  // would end the test program
    Connect();
    const auto sender = MakeSender(16384);
    far_.Reset();
    const long before = OpenFds();
    ASSERT_TRUE(sender->Send(Bytes("a"), NumberedFds(1, 2)));
    ASSERT_TRUE(sender->Send(Bytes("b"), NumberedFds(1, 2)));
    ASSERT_TRUE(RunUntil([&] { return !errors_.empty(); }));
    EXPECT_EQ(errors_, (std::vector{EPIPE}));
    EXPECT_FALSE(sender->Send(Bytes("c")));
    EXPECT_EQ(sender->QueuedBytes(), 0U);
    EXPECT_EQ(OpenFds(), before);
    RunFor(base::kNsPerMs);
    EXPECT_EQ(errors_.size(), 1U);
}

TEST_P(SendTest, APeerThatGoesWhileASendWaitsIsAnError) {
    Connect();
    const auto sender = MakeSender(16 << 20);
    for (int i = 0; i < 512; ++i)
        ASSERT_TRUE(sender->Send(std::vector<std::byte>(16384)));
    RunFor(20 * base::kNsPerMs);
    ASSERT_GT(sender->QueuedBytes(), 0U);
    far_.Reset();
    ASSERT_TRUE(RunUntil([&] { return !errors_.empty(); }));
    EXPECT_TRUE(errors_[0] == EPIPE || errors_[0] == ECONNRESET) << errors_[0];
}

TEST_P(SendTest, OnErrorMayDestroyTheSender) {
    Connect();
    far_.Reset();
    auto token = std::make_shared<int>(0);
    std::unique_ptr<Sender> sender;
    sender = std::make_unique<Sender>(
        TheLoop(), Sender::Peer{7, near_.Get(), nullptr}, 1000,
        Sender::Callbacks{.on_error =
                              [&sender, token](int) {
                                  EXPECT_FALSE(sender->Send(Bytes("more")));
                                  sender.reset();
                                  ++*token;
                              },
                          .on_dear = [](int64_t) {}});
    ASSERT_TRUE(sender->Send(Bytes("x")));
    ASSERT_TRUE(RunUntil([&] { return *token == 1; }));
    EXPECT_EQ(token.use_count(), 1);
}

TEST_P(SendTest, WhenEmptyIsToldOnceAfterTheLastMessageAndMayDestroyTheSender) {
    Connect();
    auto sender = MakeSender(16384);
    int calls = 0;
    ASSERT_TRUE(sender->Send(Bytes("a")));
    ASSERT_TRUE(sender->Send(Bytes("b")));
    sender->WhenEmpty([&] {
        ++calls;
        EXPECT_EQ(ReadAll(), (std::vector<std::string>{"a", "b"}));
        sender.reset();
    });
    EXPECT_EQ(calls, 0);
    ASSERT_TRUE(RunUntil([&] { return sender == nullptr; }));
    EXPECT_EQ(calls, 1);
}

TEST_P(SendTest, WhenEmptyIsToldAtOnceWhenNothingIsQueued) {
    Connect();
    const auto sender = MakeSender(16384);
    int calls = 0;
    sender->WhenEmpty([&] { ++calls; });
    EXPECT_EQ(calls, 1);
    ASSERT_TRUE(sender->Send(Bytes("a")));
    ASSERT_TRUE(RunUntil([&] { return sender->QueuedBytes() == 0; }));
    EXPECT_EQ(calls, 1);
}

TEST_P(SendTest, ADestroyedSenderDropsItsQueueAndClosesItsDescriptors) {
    Connect();
    const long before = OpenFds();
    auto sender = MakeSender(16 << 20);
    for (int i = 0; i < 400; ++i)
        ASSERT_TRUE(sender->Send(std::vector<std::byte>(16384), NumberedFds(1, 1)));
    RunFor(20 * base::kNsPerMs);
    ASSERT_GT(sender->QueuedBytes(), 0U) << "the socket took everything";
    sender.reset();
    RunFor(base::kNsPerMs);  // the kernel lets go of the one that was waiting
    EXPECT_EQ(OpenFds(), before);
}

TEST_P(SendTest, ASenderThatIsDestroyedBeforeItsMessageWasSubmittedSendsNothing) {
    Connect();
    auto sender = MakeSender(16384);
    ASSERT_TRUE(sender->Send(Bytes("never")));
    sender.reset();
    RunFor(base::kNsPerMs);
    EXPECT_TRUE(ReadAll().empty());
}

}  // namespace
}  // namespace shmd::loop
