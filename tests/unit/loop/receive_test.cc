#include "loop/receive.h"

#include "loop/send.h"
#include "loop_fixture.h"
#include "sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <memory>

namespace shmd::loop {
namespace {

constexpr size_t kMaxMessageBytes = 256;
constexpr size_t kMaxFds = 3;

/** Keeps what it is told, and then does what the test wants. */
struct Recorder final : Receiver::Listener {
    void OnMessage(std::span<const std::byte> message,
                   std::span<base::UniqueFd> received) override {
        messages.push_back(Text(message));
        fds.emplace_back();
        for (base::UniqueFd& fd : received)
            fds.back().push_back(std::move(fd));
        if (then) then();
    }
    void OnBadMessage(const char* reason) override {
        bad.emplace_back(reason);
        if (then) then();
    }
    void OnClosed(int error) override {
        closed = error;
        if (then) then();
    }

    std::vector<std::string> messages;
    std::vector<std::vector<base::UniqueFd>> fds;
    std::vector<std::string> bad;
    std::optional<int> closed;
    std::function<void()> then;
};

class ReceiveTest : public LoopTest {
  protected:
    /** A receiver of the near end; the far end is the test's. */
    void Connect(unsigned buffers, int socket_flags = 0) {
        pool_ =
            std::make_unique<BufferPool>(TheLoop(), buffers, kMaxMessageBytes, kMaxFds);
        std::tie(near_, far_) = SocketPair(socket_flags);
        Start();
    }

    void Start() {
        receiver_ = std::make_unique<Receiver>(TheLoop(), *pool_, near_.Get(), recorder_);
    }

    void TearDown() override {
        recorder_ = {};
        receiver_.reset();
        pool_.reset();
        near_.Reset();
        far_.Reset();
        LoopTest::TearDown();
    }

    std::unique_ptr<BufferPool> pool_;
    base::UniqueFd near_;
    base::UniqueFd far_;
    Recorder recorder_;
    std::unique_ptr<Receiver> receiver_;
};
SHMD_IN_BOTH_MODES(ReceiveTest);

TEST_P(ReceiveTest, MessagesAndTheirDescriptorsArriveInOrder) {
    Connect(8);
    for (size_t count = 0; count <= kMaxFds; ++count)
        ASSERT_TRUE(SendNow(far_, "message " + std::to_string(count),
                            NumberedFds(10 * count + 1, count)));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == kMaxFds + 1; }));
    for (size_t count = 0; count <= kMaxFds; ++count) {
        EXPECT_EQ(recorder_.messages[count], "message " + std::to_string(count));
        ASSERT_EQ(recorder_.fds[count].size(), count);
        for (size_t i = 0; i < count; ++i)
            EXPECT_EQ(NumberOf(recorder_.fds[count][i]), 10 * count + 1 + i);
    }
}

TEST_P(ReceiveTest, ReceivedDescriptorsAreCloseOnExec) {
    Connect(8);
    ASSERT_TRUE(SendNow(far_, "x", NumberedFds(1, 1)));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 1; }));
    EXPECT_EQ(fcntl(recorder_.fds[0][0].Get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_P(ReceiveTest, AMessageOfTheGreatestLengthIsWhole) {
    Connect(1);
    const std::string longest(kMaxMessageBytes, 'x');
    ASSERT_TRUE(SendNow(far_, longest, NumberedFds(1, kMaxFds)));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 1; }));
    EXPECT_EQ(recorder_.messages[0], longest);
    EXPECT_EQ(recorder_.fds[0].size(), kMaxFds);
}

TEST_P(ReceiveTest, APayloadIsAlignedToEightBytes) {
    struct Listener : Receiver::Listener {
        void OnMessage(std::span<const std::byte> message,
                       std::span<base::UniqueFd> /*fds*/) override {
            misalignment += reinterpret_cast<uintptr_t>(message.data()) % 8;
            ++count;
        }
        void OnBadMessage(const char* /*reason*/) override {}
        void OnClosed(int /*error*/) override {}
        uintptr_t misalignment = 0;
        int count = 0;
    } listener;
    auto [near_end, far_end] = SocketPair();
    BufferPool pool{TheLoop(), 4, 33, 1};
    Receiver receiver{TheLoop(), pool, near_end.Get(), listener};
    for (int i = 0; i < 8; ++i)
        ASSERT_TRUE(SendNow(far_end, "abc"));
    ASSERT_TRUE(RunUntil([&] { return listener.count == 8; }));
    EXPECT_EQ(listener.misalignment, 0U);
}

TEST_P(ReceiveTest, TenThousandMessagesGoThroughEightBuffers) {
    constexpr int kMessages = 10'000;
    Connect(8);
    Sender sender{TheLoop(), far_.Get(), 1 << 20, [](int) { FAIL(); }};
    for (int i = 0; i < kMessages; ++i)
        ASSERT_TRUE(sender.Send(Bytes("message " + std::to_string(i))));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == kMessages; }));
    for (int i = 0; i < kMessages; ++i)
        ASSERT_EQ(recorder_.messages[static_cast<size_t>(i)],
                  "message " + std::to_string(i));
}

TEST_P(ReceiveTest, ABacklogOfMoreMessagesThanBuffersIsReceivedWhole) {
    pool_ = std::make_unique<BufferPool>(TheLoop(), 2, kMaxMessageBytes, kMaxFds);
    std::tie(near_, far_) = SocketPair();
    size_t sent = 0;
    while (SendNow(far_, std::to_string(sent), NumberedFds(sent + 1, sent % 2))) {
        if (++sent == 200) break;
    }
    ASSERT_GT(sent, 20U);
    Start();
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == sent; }));
    for (size_t i = 0; i < sent; ++i) {
        EXPECT_EQ(recorder_.messages[i], std::to_string(i));
        EXPECT_EQ(recorder_.fds[i].size(), i % 2);
    }
}

TEST_P(ReceiveTest, ManyReceiversShareFewBuffers) {
    constexpr size_t kReceivers = 50;
    BufferPool pool{TheLoop(), 4, kMaxMessageBytes, kMaxFds};
    std::vector<std::pair<base::UniqueFd, base::UniqueFd>> sockets;
    std::vector<std::unique_ptr<Recorder>> recorders;
    std::vector<std::unique_ptr<Receiver>> receivers;
    for (size_t i = 0; i < kReceivers; ++i) {
        sockets.push_back(SocketPair());
        recorders.push_back(std::make_unique<Recorder>());
        receivers.push_back(std::make_unique<Receiver>(
            TheLoop(), pool, sockets[i].first.Get(), *recorders[i]));
        for (int message = 0; message < 5; ++message)
            ASSERT_TRUE(SendNow(sockets[i].second, std::to_string(message)));
    }
    ASSERT_TRUE(RunUntil([&] {
        return std::ranges::all_of(recorders,
                                   [](auto& r) { return r->messages.size() == 5; });
    }));
    for (const auto& recorder : recorders)
        EXPECT_EQ(recorder->messages,
                  (std::vector<std::string>{"0", "1", "2", "3", "4"}));
}

TEST_P(ReceiveTest, ANonblockingSocketIsReceivedFromWithoutSpinning) {
    Connect(4, SOCK_NONBLOCK);
    const uint64_t before = TheLoop().EnterCalls();
    RunFor(20 * base::kNsPerMs);
    EXPECT_LE(TheLoop().EnterCalls() - before, 4U);
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(SendNow(far_, "x"));
    EXPECT_TRUE(RunUntil([&] { return recorder_.messages.size() == 3; }));
}

TEST_P(ReceiveTest, ATooLongMessageIsReportedAndItsDescriptorsAreClosed) {
    Connect(4);
    const long before = OpenFds();
    ASSERT_TRUE(
        SendNow(far_, std::string(kMaxMessageBytes + 1, 'x'), NumberedFds(1, kMaxFds)));
    ASSERT_TRUE(SendNow(far_, "next"));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 1; }));
    EXPECT_EQ(recorder_.bad, (std::vector<std::string>{"the message is too long"}));
    EXPECT_EQ(recorder_.messages[0], "next");
    EXPECT_EQ(OpenFds(), before);
}

TEST_P(ReceiveTest, TooManyDescriptorsAreReportedAndClosed) {
    Connect(4);
    const long before = OpenFds();
    // One more fits into the room that alignment leaves; 20 do not fit at all.
    for (const size_t count : {kMaxFds + 1, kMaxFds + 2, size_t{20}})
        ASSERT_TRUE(SendNow(far_, "x", NumberedFds(1, count)));
    ASSERT_TRUE(RunUntil([&] { return recorder_.bad.size() == 3; }));
    for (const std::string& reason : recorder_.bad)
        EXPECT_EQ(reason, "the message has too many file descriptors");
    EXPECT_TRUE(recorder_.messages.empty());
    EXPECT_EQ(OpenFds(), before);
}

TEST_P(ReceiveTest, APoolForNoDescriptorsRefusesAny) {
    auto [near_end, far_end] = SocketPair();
    BufferPool pool{TheLoop(), 4, kMaxMessageBytes, 0};
    Receiver receiver{TheLoop(), pool, near_end.Get(), recorder_};
    const long before = OpenFds();
    ASSERT_TRUE(SendNow(far_end, "with", NumberedFds(1, 1)));
    ASSERT_TRUE(SendNow(far_end, "without"));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 1; }));
    EXPECT_EQ(recorder_.bad.size(), 1U);
    EXPECT_EQ(recorder_.messages[0], "without");
    EXPECT_EQ(OpenFds(), before);
}

TEST_P(ReceiveTest, DescriptorsThatTheListenerLeavesAreClosed) {
    struct Listener : Receiver::Listener {
        void OnMessage(std::span<const std::byte> /*message*/,
                       std::span<base::UniqueFd> fds) override {
            seen += fds.size();
        }
        void OnBadMessage(const char* /*reason*/) override {}
        void OnClosed(int /*error*/) override {}
        size_t seen = 0;
    } listener;
    auto [near_end, far_end] = SocketPair();
    BufferPool pool{TheLoop(), 4, kMaxMessageBytes, kMaxFds};
    Receiver receiver{TheLoop(), pool, near_end.Get(), listener};
    const long before = OpenFds();
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(SendNow(far_end, "x", NumberedFds(1, 3)));
    ASSERT_TRUE(RunUntil([&] { return listener.seen == 30; }));
    EXPECT_EQ(OpenFds(), before);
}

TEST_P(ReceiveTest, TheEndOfFileIsToldOnceAfterAllMessages) {
    Connect(4);
    ASSERT_TRUE(SendNow(far_, "last"));
    far_.Reset();
    ASSERT_TRUE(RunUntil([&] { return recorder_.closed.has_value(); }));
    EXPECT_EQ(recorder_.closed, 0);
    EXPECT_EQ(recorder_.messages, (std::vector<std::string>{"last"}));
    recorder_.closed.reset();
    const uint64_t before = TheLoop().EnterCalls();
    RunFor(5 * base::kNsPerMs);
    EXPECT_FALSE(recorder_.closed.has_value());
    EXPECT_LE(TheLoop().EnterCalls() - before, 3U);
}

TEST_P(ReceiveTest, AnEmptyMessageCountsAsTheEndAndItsDescriptorsAreClosed) {
    Connect(4);
    const long before = OpenFds();
    ASSERT_TRUE(SendNow(far_, "", NumberedFds(1, 2)));
    ASSERT_TRUE(SendNow(far_, "after"));
    ASSERT_TRUE(RunUntil([&] { return recorder_.closed.has_value(); }));
    EXPECT_EQ(recorder_.closed, 0);
    RunFor(base::kNsPerMs);
    EXPECT_TRUE(recorder_.messages.empty());
    EXPECT_EQ(OpenFds(), before);
}

TEST_P(ReceiveTest, APeerThatLeavesWithoutReadingIsAReset) {
    Connect(4);
    ASSERT_TRUE(SendNow(near_, "never read"));
    far_.Reset();
    ASSERT_TRUE(RunUntil([&] { return recorder_.closed.has_value(); }));
    EXPECT_EQ(recorder_.closed, ECONNRESET);
}

TEST_P(ReceiveTest, OnMessageMayDestroyTheReceiverWithMessagesInFlight) {
    Connect(8);
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(SendNow(far_, "x", NumberedFds(1, 3)));
    recorder_.then = [&] { receiver_.reset(); };
    ASSERT_TRUE(RunUntil([&] { return receiver_ == nullptr; }));
    RunFor(2 * base::kNsPerMs);
    EXPECT_EQ(recorder_.messages.size(), 1U);
}

TEST_P(ReceiveTest, OnBadMessageMayDestroyTheReceiver) {
    Connect(8);
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(SendNow(far_, std::string(1000, 'x'), NumberedFds(1, 3)));
    recorder_.then = [&] { receiver_.reset(); };
    ASSERT_TRUE(RunUntil([&] { return receiver_ == nullptr; }));
    RunFor(base::kNsPerMs);
    EXPECT_EQ(recorder_.bad.size(), 1U);
}

TEST_P(ReceiveTest, OnClosedMayDestroyTheReceiverAndItsSocket) {
    Connect(8);
    far_.Reset();
    recorder_.then = [&] {
        receiver_.reset();
        near_.Reset();
    };
    EXPECT_TRUE(RunUntil([&] { return receiver_ == nullptr; }));
}

TEST_P(ReceiveTest, ADestroyedReceiverGivesItsBuffersBack) {
    Connect(2);
    for (int round = 0; round < 20; ++round) {
        for (int i = 0; i < 4; ++i)
            ASSERT_TRUE(SendNow(far_, "x", NumberedFds(1, 1)));
        const size_t before = recorder_.messages.size();
        recorder_.then = [&] { receiver_.reset(); };
        ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() > before; }));
        std::tie(near_, far_) = SocketPair();
        Start();
    }
    recorder_.then = nullptr;
    ASSERT_TRUE(SendNow(far_, "still works"));
    EXPECT_TRUE(RunUntil([&] { return recorder_.messages.back() == "still works"; }));
}

TEST_P(ReceiveTest, ThePoolMayGoBeforeTheMessagesThatAreOnTheirWay) {
    Connect(8);
    RunFor(base::kNsPerMs);  // the receiver is armed
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(SendNow(far_, "x", NumberedFds(1, 3)));
    receiver_.reset();
    pool_.reset();
    near_.Reset();
    // The fixture destroys the loop, which drains, and then counts descriptors.
}

TEST_P(ReceiveTest, AReceiverThatWasNeverSubmittedTakesNothingFromTheSocket) {
    Connect(8);
    ASSERT_TRUE(SendNow(far_, "for the next one"));
    receiver_.reset();
    RunFor(base::kNsPerMs);
    EXPECT_EQ(ReceiveNow(near_), "for the next one");
}

TEST_P(ReceiveTest, AnExceptionFromTheListenerGivesTheBufferBack) {
    Connect(1);
    recorder_.then = [] { throw std::runtime_error{"bad"}; };
    ASSERT_TRUE(SendNow(far_, "x"));
    EXPECT_THROW(RunFor(base::kNsPerSecond), std::runtime_error);
    receiver_.reset();
    recorder_.then = nullptr;
    Start();
    ASSERT_TRUE(SendNow(far_, "y"));
    EXPECT_TRUE(RunUntil([&] { return recorder_.messages.back() == "y"; }));
}

TEST_P(ReceiveTest, TwoPoolsOfOneLoopDoNotMeet) {
    Connect(1);
    auto [near_end, far_end] = SocketPair();
    Recorder other;
    BufferPool pool{TheLoop(), 1, kMaxMessageBytes, kMaxFds};
    Receiver receiver{TheLoop(), pool, near_end.Get(), other};
    ASSERT_TRUE(SendNow(far_, "one"));
    ASSERT_TRUE(SendNow(far_end, "two"));
    ASSERT_TRUE(RunUntil(
        [&] { return recorder_.messages.size() == 1 && other.messages.size() == 1; }));
    EXPECT_EQ(recorder_.messages[0], "one");
    EXPECT_EQ(other.messages[0], "two");
}

}  // namespace
}  // namespace shmd::loop
