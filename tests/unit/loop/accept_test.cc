#include "loop/accept.h"

#include "loop_fixture.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <memory>

namespace shmd::loop {
namespace {

class AcceptTest : public LoopTest {
  protected:
    /** Listen on an address that the kernel picks, in the abstract namespace. */
    void Listen(int socket_flags = 0) {
        listener_.Reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | socket_flags, 0));
        sockaddr_un any{};
        any.sun_family = AF_UNIX;
        ASSERT_EQ(bind(listener_.Get(), reinterpret_cast<const sockaddr*>(&any),
                       sizeof(sa_family_t)),
                  0);
        ASSERT_EQ(listen(listener_.Get(), 512), 0);
    }

    base::UniqueFd Connect() {
        sockaddr_un address{};
        socklen_t length = sizeof(address);
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        getsockname(listener_.Get(), generic, &length);
        base::UniqueFd client{socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
        EXPECT_EQ(connect(client.Get(), generic, length), 0);
        return client;
    }

    std::unique_ptr<Acceptor> MakeAcceptor() {
        return std::make_unique<Acceptor>(
            TheLoop(), listener_.Get(),
            [this](base::UniqueFd fd) { accepted_.push_back(std::move(fd)); },
            [this](int error) { errors_.push_back(error); },
            [this] { return has_room_; });
    }

    void TearDown() override {
        accepted_.clear();
        listener_.Reset();
        LoopTest::TearDown();
    }

    base::UniqueFd listener_;
    std::vector<base::UniqueFd> accepted_;
    std::vector<int> errors_;
    bool has_room_ = true;
};
SHMD_IN_BOTH_MODES(AcceptTest);

/** No descriptor can be opened while it lives. */
class NoDescriptorsLeft {
  public:
    NoDescriptorsLeft() {
        getrlimit(RLIMIT_NOFILE, &before_);
        const base::UniqueFd lowest_free{dup(0)};
        rlimit limit = before_;
        limit.rlim_cur = static_cast<rlim_t>(lowest_free.Get());
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
    NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;
    ~NoDescriptorsLeft() { setrlimit(RLIMIT_NOFILE, &before_); }

  private:
    rlimit before_{};
};

TEST_P(AcceptTest, ACrowdWaitsInTheBacklogUntilThereIsRoom) {
    Listen();
    has_room_ = false;
    const auto acceptor = MakeAcceptor();
    const auto first = Connect();
    const auto second = Connect();
    ASSERT_TRUE(RunUntil([&] { return accepted_.size() == 1; }));
    RunFor(2 * Acceptor::kRetryNs);
    EXPECT_EQ(accepted_.size(), 1U);
    has_room_ = true;
    EXPECT_TRUE(RunUntil([&] { return accepted_.size() == 2; }));
}

TEST_P(AcceptTest, ManyConnectionsAreAccepted) {
    Listen();
    const auto acceptor = MakeAcceptor();
    std::vector<base::UniqueFd> clients;
    for (int round = 1; round <= 3; ++round) {
        for (int i = 0; i < 100; ++i)
            clients.push_back(Connect());
        ASSERT_TRUE(RunUntil([&] { return accepted_.size() == clients.size(); }));
    }
    EXPECT_TRUE(errors_.empty());
}

TEST_P(AcceptTest, AnAcceptedConnectionIsCloseOnExecAndCarriesMessages) {
    Listen();
    const auto acceptor = MakeAcceptor();
    const base::UniqueFd client = Connect();
    ASSERT_TRUE(RunUntil([&] { return accepted_.size() == 1; }));
    EXPECT_EQ(fcntl(accepted_[0].Get(), F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    ASSERT_EQ(send(client.Get(), "x", 1, 0), 1);
    char received = 0;
    ASSERT_EQ(recv(accepted_[0].Get(), &received, 1, MSG_DONTWAIT), 1);
    EXPECT_EQ(received, 'x');
}

TEST_P(AcceptTest, ANonblockingListenerIsAcceptedFromWithoutSpinning) {
    Listen(SOCK_NONBLOCK);
    const auto acceptor = MakeAcceptor();
    const uint64_t before = TheLoop().EnterCalls();
    RunFor(20 * base::kNsPerMs);
    EXPECT_LE(TheLoop().EnterCalls() - before, 4U);
    for (size_t i = 1; i <= 3; ++i) {
        const base::UniqueFd client = Connect();
        ASSERT_TRUE(RunUntil([&] { return accepted_.size() == i; }));
    }
    EXPECT_TRUE(errors_.empty());
}

TEST_P(AcceptTest, RunningOutOfDescriptorsIsToldAndDoesNotSpin) {
    Listen();
    const auto acceptor = MakeAcceptor();
    const base::UniqueFd client = Connect();
    const uint64_t before = TheLoop().EnterCalls();
    const int64_t start_ns = NowNs();
    {
        const NoDescriptorsLeft limit;
        ASSERT_TRUE(RunUntil([&] { return errors_.size() == 3; }));
        EXPECT_TRUE(accepted_.empty());
    }
    EXPECT_EQ(errors_, (std::vector{EMFILE, EMFILE, EMFILE}));
    EXPECT_GE(NowNs() - start_ns, 2 * Acceptor::kRetryNs);
    EXPECT_LE(TheLoop().EnterCalls() - before, 20U);
    EXPECT_TRUE(RunUntil([&] { return accepted_.size() == 1; }))
        << "it does not recover when descriptors are free again";
}

TEST_P(AcceptTest, OnErrorMayDestroyTheAcceptorThatWouldTryAgain) {
    Listen();
    std::unique_ptr<Acceptor> acceptor;
    const base::UniqueFd client = Connect();
    acceptor = std::make_unique<Acceptor>(
        TheLoop(), listener_.Get(), [](base::UniqueFd) { FAIL(); },
        [&](int error) {
            EXPECT_TRUE(Acceptor::Recovers(error));
            acceptor.reset();
        });
    {
        const NoDescriptorsLeft limit;
        ASSERT_TRUE(RunUntil([&] { return acceptor == nullptr; }));
    }
    RunFor(Acceptor::kRetryNs + 20 * base::kNsPerMs);
}

TEST_P(AcceptTest, ItCanBeDestroyedWhileItWaitsToTryAgain) {
    Listen();
    auto acceptor = MakeAcceptor();
    const base::UniqueFd client = Connect();
    {
        const NoDescriptorsLeft limit;
        ASSERT_TRUE(RunUntil([&] { return !errors_.empty(); }));
    }
    acceptor.reset();
    RunFor(Acceptor::kRetryNs + 20 * base::kNsPerMs);
    EXPECT_TRUE(accepted_.empty());
}

TEST_P(AcceptTest, OnAcceptMayDestroyTheAcceptorWithConnectionsInFlight) {
    Listen();
    std::vector<base::UniqueFd> clients;
    for (int i = 0; i < 20; ++i)
        clients.push_back(Connect());
    const long before = OpenFds();
    int calls = 0;
    std::unique_ptr<Acceptor> acceptor;
    acceptor = std::make_unique<Acceptor>(
        TheLoop(), listener_.Get(),
        [&](base::UniqueFd) {
            acceptor.reset();
            ++calls;
        },
        [](int) { FAIL(); });
    ASSERT_TRUE(RunUntil([&] { return acceptor == nullptr; }));
    RunFor(2 * base::kNsPerMs);
    EXPECT_EQ(calls, 1);
    EXPECT_EQ(OpenFds(), before) << "connections that nobody took stayed open";
}

TEST_P(AcceptTest, ASocketThatDoesNotListenIsToldOnce) {
    listener_.Reset(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
    const auto acceptor = MakeAcceptor();
    ASSERT_TRUE(RunUntil([&] { return !errors_.empty(); }));
    EXPECT_EQ(errors_, (std::vector{EINVAL}));
    EXPECT_FALSE(Acceptor::Recovers(EINVAL));
    RunFor(Acceptor::kRetryNs + 20 * base::kNsPerMs);
    EXPECT_EQ(errors_.size(), 1U);
}

}  // namespace
}  // namespace shmd::loop
