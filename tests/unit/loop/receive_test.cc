#include "loop/receive.h"

#include "loop/send.h"
#include "loop_fixture.h"
#include "sockets.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <algorithm>
#include <cerrno>
#include <memory>

namespace shmd::loop {
namespace {

constexpr size_t kMaxMessageBytes = 256;
constexpr uid_t kUser = 7;

/** Keeps what it is told, and then does what the test wants. */
struct Recorder final : Receiver::Listener {
    void OnMessage(std::span<const std::byte> message, std::span<base::UniqueFd> received,
                   bool were_lost) override {
        fds_were_lost |= were_lost;
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
    void OnDear(int64_t /*cost_ns*/) override { ++dear; }

    bool fds_were_lost = false;
    int dear = 0;
    std::vector<std::string> messages;
    std::vector<std::vector<base::UniqueFd>> fds;
    std::vector<std::string> bad;
    std::optional<int> closed;
    std::function<void()> then;
};

void RaiseFdLimit() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

class ReceiveTest : public LoopTest {
  protected:
    /** A receiver of the near end; the far end is the test's. */
    void Connect(int socket_flags = 0) {
        std::tie(near_, far_) = SocketPair(socket_flags);
        Start();
    }

    void Start() { receiver_ = Receive(near_, recorder_); }

    std::unique_ptr<Receiver> Receive(const base::UniqueFd& socket,
                                      Receiver::Listener& listener, uid_t user = kUser) {
        return std::make_unique<Receiver>(
            TheLoop(), buffer_,
            Receiver::Source{user, socket.Get(), nullptr,
                             [this] { return may_receive_; }},
            listener, [this](base::UniqueFd fd) { discarded_.push_back(std::move(fd)); });
    }

    void TearDown() override {
        recorder_ = {};
        receiver_.reset();
        discarded_.clear();
        near_.Reset();
        far_.Reset();
        LoopTest::TearDown();
    }

    std::shared_ptr<MessageBuffer> buffer_ =
        std::make_shared<MessageBuffer>(kMaxMessageBytes);
    std::vector<base::UniqueFd> discarded_;
    bool may_receive_ = true;
    base::UniqueFd near_;
    base::UniqueFd far_;
    Recorder recorder_;
    std::unique_ptr<Receiver> receiver_;
};
SHMD_IN_BOTH_MODES(ReceiveTest);

TEST_P(ReceiveTest, MessagesAndTheirDescriptorsArriveInOrder) {
    Connect();
    for (size_t count = 0; count <= 3; ++count)
        ASSERT_TRUE(SendNow(far_, "message " + std::to_string(count),
                            NumberedFds(10 * count + 1, count)));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 4; }));
    for (size_t count = 0; count <= 3; ++count) {
        EXPECT_EQ(recorder_.messages[count], "message " + std::to_string(count));
        ASSERT_EQ(recorder_.fds[count].size(), count);
        for (size_t i = 0; i < count; ++i)
            EXPECT_EQ(NumberOf(recorder_.fds[count][i]), 10 * count + 1 + i);
    }
}

TEST_P(ReceiveTest, AMessageThatMayNotBeReceivedWaitsInTheSocket) {
    may_receive_ = false;
    Connect();
    ASSERT_TRUE(SendNow(far_, "x", NumberedFds(1, 1)));
    RunFor(2 * Receiver::kRetryNs);
    EXPECT_TRUE(recorder_.messages.empty());
    may_receive_ = true;
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 1; }));
    EXPECT_EQ(recorder_.fds[0].size(), 1U);
}

TEST_P(ReceiveTest, ReceivedDescriptorsAreCloseOnExec) {
    Connect();
    ASSERT_TRUE(SendNow(far_, "x", NumberedFds(1, 1)));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 1; }));
    EXPECT_EQ(fcntl(recorder_.fds[0][0].Get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

TEST_P(ReceiveTest, AMessageOfTheGreatestLengthIsWhole) {
    Connect();
    const std::string longest(kMaxMessageBytes, 'x');
    ASSERT_TRUE(SendNow(far_, longest, NumberedFds(1, MessageBuffer::kMaxFds)));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 1; }));
    EXPECT_EQ(recorder_.messages[0], longest);
    EXPECT_EQ(recorder_.fds[0].size(), MessageBuffer::kMaxFds);
}

TEST_P(ReceiveTest, APayloadIsAlignedToEightBytes) {
    struct Listener : Receiver::Listener {
        void OnMessage(std::span<const std::byte> message,
                       std::span<base::UniqueFd> /*fds*/, bool /*lost*/) override {
            misalignment += reinterpret_cast<uintptr_t>(message.data()) % 8;
            ++count;
        }
        void OnBadMessage(const char* /*reason*/) override {}
        void OnClosed(int /*error*/) override {}
        void OnDear(int64_t /*cost_ns*/) override {}
        uintptr_t misalignment = 0;
        int count = 0;
    } listener;
    auto [near_end, far_end] = SocketPair();
    const auto receiver = Receive(near_end, listener);
    for (int i = 0; i < 8; ++i)
        ASSERT_TRUE(SendNow(far_end, "abc"));
    ASSERT_TRUE(RunUntil([&] { return listener.count == 8; }));
    EXPECT_EQ(listener.misalignment, 0U);
}

TEST_P(ReceiveTest, TenThousandMessagesGoThroughOneBuffer) {
    constexpr int kMessages = 10'000;
    Connect();
    Sender sender{TheLoop(),
                  {kUser, far_.Get(), nullptr},
                  16 << 20,
                  {.on_error = [](int) { FAIL(); }, .on_dear = [](int64_t) { FAIL(); }}};
    for (int i = 0; i < kMessages; ++i)
        ASSERT_TRUE(sender.Send(Bytes("message " + std::to_string(i))));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == kMessages; }));
    for (int i = 0; i < kMessages; ++i)
        ASSERT_EQ(recorder_.messages[static_cast<size_t>(i)],
                  "message " + std::to_string(i));
}

TEST_P(ReceiveTest, ABacklogIsReceivedWhole) {
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

TEST_P(ReceiveTest, ManyReceiversShareOneBuffer) {
    constexpr size_t kReceivers = 50;
    std::vector<std::pair<base::UniqueFd, base::UniqueFd>> sockets;
    std::vector<std::unique_ptr<Recorder>> recorders;
    std::vector<std::unique_ptr<Receiver>> receivers;
    for (size_t i = 0; i < kReceivers; ++i) {
        sockets.push_back(SocketPair());
        recorders.push_back(std::make_unique<Recorder>());
        receivers.push_back(
            Receive(sockets[i].first, *recorders[i], static_cast<uid_t>(i % 3)));
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
    Connect(SOCK_NONBLOCK);
    const uint64_t before = TheLoop().EnterCalls();
    RunFor(20 * base::kNsPerMs);
    EXPECT_LE(TheLoop().EnterCalls() - before, 4U);
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(SendNow(far_, "x"));
    EXPECT_TRUE(RunUntil([&] { return recorder_.messages.size() == 3; }));
}

TEST_P(ReceiveTest, ATooLongMessageIsReportedAndItsDescriptorsAreDiscarded) {
    Connect();
    ASSERT_TRUE(SendNow(far_, std::string(kMaxMessageBytes + 1, 'x'), NumberedFds(1, 3)));
    ASSERT_TRUE(SendNow(far_, "next"));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 1; }));
    EXPECT_EQ(recorder_.bad, (std::vector<std::string>{"the message is too long"}));
    EXPECT_EQ(recorder_.messages[0], "next");
    EXPECT_EQ(discarded_.size(), 3U);
}

TEST_P(ReceiveTest, DescriptorsForWhichThisProcessHasNoRoomAreToldAsLost) {
    Connect();
    ASSERT_TRUE(SendNow(far_, "x", NumberedFds(1, 3)));
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    // The next free number is the lowest: with it one more fits.
    const auto limit = static_cast<rlim_t>(base::UniqueFd{::dup(0)}.Get()) + 1;
    const rlimit small{limit, before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &small);
    const bool came = RunUntil([&] { return recorder_.messages.size() == 1; });
    ::setrlimit(RLIMIT_NOFILE, &before);
    ASSERT_TRUE(came);
    EXPECT_TRUE(recorder_.fds_were_lost);
    EXPECT_EQ(recorder_.fds[0].size(), 1U);
    EXPECT_TRUE(recorder_.bad.empty()) << "it is no fault of the sender";
}

TEST_P(ReceiveTest, DescriptorsThatTheListenerLeavesAreDiscardedAndNotClosedHere) {
    struct Listener : Receiver::Listener {
        void OnMessage(std::span<const std::byte> /*message*/,
                       std::span<base::UniqueFd> fds, bool /*lost*/) override {
            seen += fds.size();
        }
        void OnBadMessage(const char* /*reason*/) override {}
        void OnClosed(int /*error*/) override {}
        void OnDear(int64_t /*cost_ns*/) override {}
        size_t seen = 0;
    } listener;
    auto [near_end, far_end] = SocketPair();
    const auto receiver = Receive(near_end, listener);
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(SendNow(far_end, "x", NumberedFds(1, 3)));
    ASSERT_TRUE(RunUntil([&] { return listener.seen == 30; }));
    EXPECT_EQ(discarded_.size(), 30U);
}

TEST_P(ReceiveTest, NothingIsReceivedWhileItIsPaused) {
    Connect();
    recorder_.then = [&] { receiver_->Pause(); };
    for (int i = 0; i < 3; ++i)
        ASSERT_TRUE(SendNow(far_, std::to_string(i)));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 1; }));
    RunFor(2 * base::kNsPerMs);
    EXPECT_EQ(recorder_.messages.size(), 1U);
    receiver_->Resume();
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 2; }));
    recorder_.then = nullptr;
    receiver_->Resume();
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 3; }));
}

/** 300,000 things that wait on one end of a socket: each message to or from it wakes all.
 */
class CrowdedEnd {
  public:
    explicit CrowdedEnd(const base::UniqueFd& end) {
        std::vector<base::UniqueFd> ends;
        for (int i = 0; i < 500; ++i)
            ends.emplace_back(::dup(end.Get()));
        for (int i = 0; i < 600; ++i) {
            crowd_.emplace_back(::epoll_create1(EPOLL_CLOEXEC));
            for (const base::UniqueFd& one : ends) {
                epoll_event event{};
                event.events = EPOLLIN | EPOLLOUT | EPOLLET;
                ::epoll_ctl(crowd_.back().Get(), EPOLL_CTL_ADD, one.Get(), &event);
            }
        }
        ends_ = std::move(ends);
    }

  private:
    std::vector<base::UniqueFd> ends_;
    std::vector<base::UniqueFd> crowd_;
};

TEST_P(ReceiveTest, ASenderWhoseEndIsCrowdedIsFoundOut) {
    RaiseFdLimit();
    Connect();
    const CrowdedEnd crowd{far_};
    for (int i = 0; i < 10; ++i)
        ASSERT_TRUE(SendNow(far_, "x"));
    ASSERT_TRUE(RunUntil([&] { return recorder_.messages.size() == 10; }));
    EXPECT_GT(recorder_.dear, 0);
}

TEST_P(ReceiveTest, TheEndOfFileIsToldOnceAfterAllMessages) {
    Connect();
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

TEST_P(ReceiveTest, AnEmptyMessageCountsAsTheEndAndItsDescriptorsAreDiscarded) {
    Connect();
    ASSERT_TRUE(SendNow(far_, "", NumberedFds(1, 2)));
    ASSERT_TRUE(SendNow(far_, "after"));
    ASSERT_TRUE(RunUntil([&] { return recorder_.closed.has_value(); }));
    EXPECT_EQ(recorder_.closed, 0);
    RunFor(base::kNsPerMs);
    EXPECT_TRUE(recorder_.messages.empty());
    EXPECT_EQ(discarded_.size(), 2U);
}

TEST_P(ReceiveTest, APeerThatLeavesWithoutReadingIsAReset) {
    Connect();
    ASSERT_TRUE(SendNow(near_, "never read"));
    far_.Reset();
    ASSERT_TRUE(RunUntil([&] { return recorder_.closed.has_value(); }));
    EXPECT_EQ(recorder_.closed, ECONNRESET);
}

TEST_P(ReceiveTest, OnMessageMayDestroyTheReceiverWithMessagesInFlight) {
    Connect();
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(SendNow(far_, "x", NumberedFds(1, 3)));
    recorder_.then = [&] { receiver_.reset(); };
    ASSERT_TRUE(RunUntil([&] { return receiver_ == nullptr; }));
    RunFor(2 * base::kNsPerMs);
    EXPECT_EQ(recorder_.messages.size(), 1U);
}

TEST_P(ReceiveTest, OnBadMessageMayDestroyTheReceiver) {
    Connect();
    for (int i = 0; i < 5; ++i)
        ASSERT_TRUE(SendNow(far_, std::string(1000, 'x'), NumberedFds(1, 3)));
    recorder_.then = [&] { receiver_.reset(); };
    ASSERT_TRUE(RunUntil([&] { return receiver_ == nullptr; }));
    RunFor(base::kNsPerMs);
    EXPECT_EQ(recorder_.bad.size(), 1U);
}

TEST_P(ReceiveTest, OnClosedMayDestroyTheReceiverAndItsSocket) {
    Connect();
    far_.Reset();
    recorder_.then = [&] {
        receiver_.reset();
        near_.Reset();
    };
    EXPECT_TRUE(RunUntil([&] { return receiver_ == nullptr; }));
}

TEST_P(ReceiveTest, ADestroyedReceiverGivesTheBufferBack) {
    Connect();
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

TEST_P(ReceiveTest, ItMayGoBeforeTheMessagesThatAreOnTheirWay) {
    Connect();
    RunFor(base::kNsPerMs);  // the receiver is armed
    for (int i = 0; i < 20; ++i)
        ASSERT_TRUE(SendNow(far_, "x", NumberedFds(1, 3)));
    receiver_.reset();
    near_.Reset();
    // The fixture destroys the loop, which drains, and then counts descriptors.
}

TEST_P(ReceiveTest, AReceiverThatWasNeverSubmittedTakesNothingFromTheSocket) {
    Connect();
    ASSERT_TRUE(SendNow(far_, "for the next one"));
    receiver_.reset();
    RunFor(base::kNsPerMs);
    EXPECT_EQ(ReceiveNow(near_), "for the next one");
}

TEST_P(ReceiveTest, AnExceptionFromTheListenerGivesTheBufferBack) {
    Connect();
    recorder_.then = [] { throw std::runtime_error{"bad"}; };
    ASSERT_TRUE(SendNow(far_, "x"));
    EXPECT_THROW(RunFor(base::kNsPerSecond), std::runtime_error);
    receiver_.reset();
    recorder_.then = nullptr;
    Start();
    ASSERT_TRUE(SendNow(far_, "y"));
    EXPECT_TRUE(RunUntil([&] { return recorder_.messages.back() == "y"; }));
}

}  // namespace
}  // namespace shmd::loop
