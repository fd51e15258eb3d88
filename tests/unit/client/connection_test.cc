#include "client/connection.h"

#include "ipc/socket.h"
#include "shm/memfd.h"
#include "tests/support/fd_checked_test.h"
#include "tests/support/full_fd_table.h"
#include "tests/unit/client/fake_server.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cerrno>
#include <chrono>
#include <climits>
#include <system_error>
#include <thread>

namespace shmd::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Peer = FakeServer::Peer;

struct NoListener final : Connection::Listener {
    void OnMessage(const wire::MessageHeader& header, std::span<const std::byte>,
                   std::span<base::UniqueFd>) override {
        types.push_back(static_cast<wire::MessageType>(header.type));
    }
    std::vector<wire::MessageType> types;
};

wire::RegisterPool PoolMessage() {
    auto message = wire::MakeMessage<wire::RegisterPool>();
    message.header.fd_count = 1;
    message.pool_id = wire::kServerPoolId;
    message.size_bytes = wire::kPoolBytes;
    return message;
}

void SendPool(Peer& peer, const wire::RegisterPool& message = PoolMessage()) {
    shm::OwnPool pool = shm::OwnPool::Shared();
    const base::UniqueFd fd = pool.TakeFd();
    peer.Send(message, fd.Get());
}

/** A server's whole good beginning, up to the answer to the client's pool. */
void BeginWell(Peer& peer) {
    if (!peer.Greet()) return;
    SendPool(peer);
    peer.AnswerOpen();
    wire::RegisterPool registration{};
    if (!peer.Receive(registration)) return;
    auto answer = wire::MakeMessage<wire::PoolRegistered>(registration.header.serial);
    answer.pool_id = registration.pool_id;
    peer.Send(answer);
}

Connection::Options At(const std::string& path) {
    Connection::Options options;
    options.server = path;
    return options;
}

Connection::Options At(const FakeServer& server, const std::string& device = "") {
    Connection::Options options = At(server.Path());
    options.device = device;
    return options;
}

class ConnectionTest : public test::FdCheckedTest {
  protected:
    /** The error that connecting to a server with this script ends in; 0 for none. */
    int Fail(FakeServer::Script script) {
        FakeServer server{std::move(script)};
        try {
            const Connection connection{At(server)};
        } catch (const std::system_error& error) {
            words_ = error.what();
            return error.code().value();
        }
        return 0;
    }

    /** As a server that sends `pool` with `fd` in place of a good pool. */
    int FailByPool(const wire::RegisterPool& pool, int fd) {
        return Fail([&](Peer& peer) {
            if (!peer.Greet()) return;
            peer.Send(pool, fd);
            peer.AwaitEnd();
        });
    }

    std::string words_;
    NoListener listener_;
};

TEST_F(ConnectionTest, OpensAStreamWithAGoodServer) {
    std::string name;
    FakeServer server{[&](Peer& peer) {
        BeginWell(peer);
        name = wire::FindText(peer.open_.device).value_or("malformed");
        peer.AwaitEnd();
    }};
    {
        Connection connection{At(server, "speaker")};
        EXPECT_EQ(connection.Opened().stream_id, 5U);
        EXPECT_EQ(connection.Opened().device_rate_hz, 48000U);
        EXPECT_TRUE(connection.PoolsAreShared(listener_));
        EXPECT_TRUE(connection.IsAlive());
    }
    server.Join();
    EXPECT_EQ(name, "speaker");
}

TEST_F(ConnectionTest, OffersAPoolThatTheServerFindsGood) {
    auto fault = shm::PoolFault::kNotMemfd;
    FakeServer server{[&](Peer& peer) {
        peer.Greet();
        SendPool(peer);
        peer.AnswerOpen();
        wire::RegisterPool registration{};
        if (peer.Receive(registration) && peer.fds_.size() == 1)
            fault = shm::CheckOneWay(peer.fds_[0].Get(), registration.size_bytes);
    }};
    const Connection connection{At(server)};
    server.Join();
    EXPECT_EQ(fault, shm::PoolFault::kNone);
}

TEST_F(ConnectionTest, SharesNothingWithAServerThatHasNoMemfds) {
    FakeServer server{[](Peer& peer) {
        peer.Greet(0);
        peer.AnswerOpen();
        peer.AwaitEnd();
    }};
    Connection connection{At(server)};
    EXPECT_FALSE(connection.PoolsAreShared(listener_));
    EXPECT_FALSE(connection.OwnPool().empty());
}

TEST_F(ConnectionTest, SharesNothingWhenItsPoolIsRefused) {
    FakeServer server{[](Peer& peer) {
        peer.Greet();
        SendPool(peer);
        peer.AnswerOpen();
        wire::RegisterPool registration{};
        peer.Receive(registration);
        auto answer = wire::MakeMessage<wire::PoolRefused>(registration.header.serial);
        answer.error = ENOMEM;
        peer.Send(answer);
        peer.AwaitEnd();
    }};
    Connection connection{At(server)};
    EXPECT_FALSE(connection.PoolsAreShared(listener_));
}

TEST_F(ConnectionTest, SaysThatThereIsNoServer) {
    const device::TempDir dir;
    try {
        const Connection connection{At(dir.File("socket"))};
        FAIL() << "connected to nothing";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), ECONNREFUSED);
        EXPECT_THAT(error.what(), HasSubstr(dir.File("socket")));
    }
}

TEST_F(ConnectionTest, RefusesAServerOfAnotherVersion) {
    EXPECT_EQ(Fail([](Peer& peer) {
                  peer.Receive(peer.hello_);
                  auto hello = wire::MakeMessage<wire::Hello>();
                  hello.version = wire::kProtocolVersion + 1;
                  peer.Send(hello);
                  peer.AwaitEnd();
              }),
              EPROTO);
}

TEST_F(ConnectionTest, RefusesAnAnswerBeforeTheHello) {
    EXPECT_EQ(Fail([](Peer& peer) {
                  peer.AnswerOpen();
                  peer.AwaitEnd();
              }),
              EPROTO);
}

TEST_F(ConnectionTest, RefusesAPoolBeforeTheHello) {
    EXPECT_EQ(Fail([](Peer& peer) {
                  SendPool(peer);
                  peer.AwaitEnd();
              }),
              EPROTO);
}

TEST_F(ConnectionTest, RefusesAMessageThatIsNone) {
    EXPECT_EQ(Fail([](Peer& peer) {
                  constexpr std::array<std::byte, 40> kRubbish{std::byte{255}};
                  peer.SendBytes(kRubbish);
                  peer.AwaitEnd();
              }),
              EPROTO);
}

TEST_F(ConnectionTest, SaysThatTheServerWentAway) {
    EXPECT_EQ(Fail([](Peer& peer) { peer.Receive(peer.hello_); }), ECONNRESET);
}

TEST_F(ConnectionTest, PassesTheServersRefusalOnInItsWords) {
    EXPECT_EQ(Fail([](Peer& peer) {
                  peer.Greet();
                  auto refused =
                      wire::MakeMessage<wire::Refused>(peer.open_.header.serial);
                  refused.error = ENODEV;
                  wire::SetText(refused.reason, "no such device here");
                  peer.Send(refused);
                  peer.AwaitEnd();
              }),
              ENODEV);
    EXPECT_THAT(words_, HasSubstr("no such device here"));
}

TEST_F(ConnectionTest, TakesARefusalWithoutAnErrorForAProtocolError) {
    for (const int error : {0, -EPERM})
        EXPECT_EQ(Fail([=](Peer& peer) {
                      peer.Greet();
                      auto refused =
                          wire::MakeMessage<wire::Refused>(peer.open_.header.serial);
                      refused.error = error;
                      peer.Send(refused);
                      peer.AwaitEnd();
                  }),
                  EPROTO);
}

TEST_F(ConnectionTest, RefusesAPoolThatIsNotSealed) {
    const base::UniqueFd fd = shm::CreateMemfd(wire::kPoolBytes);
    EXPECT_EQ(FailByPool(PoolMessage(), fd.Get()), EPROTO);
    EXPECT_THAT(words_, HasSubstr("sealed"));
}

TEST_F(ConnectionTest, RefusesAPoolThatIsNoMemfd) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    const base::UniqueFd read_end{ends[0]};
    const base::UniqueFd write_end{ends[1]};
    EXPECT_EQ(FailByPool(PoolMessage(), read_end.Get()), EPROTO);
}

TEST_F(ConnectionTest, RefusesAPoolOfAnotherSizeThanAnnounced) {
    shm::OwnPool pool = shm::OwnPool::Shared(wire::kPoolBytes / 2);
    EXPECT_EQ(FailByPool(PoolMessage(), pool.TakeFd().Get()), EPROTO);
}

TEST_F(ConnectionTest, RefusesAPoolThatTheProtocolDoesNotAllow) {
    const auto fail = [this](uint32_t id, uint64_t size) {
        auto message = PoolMessage();
        message.pool_id = id;
        message.size_bytes = size;
        shm::OwnPool pool = shm::OwnPool::Shared(size);
        return FailByPool(message, pool.TakeFd().Get());
    };
    EXPECT_EQ(fail(wire::kClientPoolId, wire::kPoolBytes), EPROTO);
    EXPECT_EQ(fail(wire::kServerPoolId, wire::kBlockBytes), EPROTO);
    EXPECT_EQ(fail(wire::kServerPoolId, wire::kPoolBytes + 4096), EPROTO);
}

TEST_F(ConnectionTest, RefusesAPoolWithoutADescriptor) {
    auto message = PoolMessage();
    message.header.fd_count = 0;
    EXPECT_EQ(FailByPool(message, -1), EPROTO);
}

TEST_F(ConnectionTest, RefusesASecondPool) {
    EXPECT_EQ(Fail([](Peer& peer) {
                  peer.Greet();
                  SendPool(peer);
                  SendPool(peer);
                  peer.AwaitEnd();
              }),
              EPROTO);
}

TEST_F(ConnectionTest, GetsTheAnswerToWhatItAskedAndHandsOnWhatCameBetween) {
    FakeServer server{[](Peer& peer) {
        BeginWell(peer);
        wire::SetGain request{};
        if (!peer.Receive(request) || request.gain_milli != 500) return;
        peer.Send(wire::MakeMessage<wire::Wake>());
        peer.Send(wire::MakeMessage<wire::GainSet>(request.header.serial));
        peer.AwaitEnd();
    }};
    Connection connection{At(server)};
    auto request = wire::MakeMessage<wire::SetGain>();
    request.gain_milli = 500;
    EXPECT_NO_THROW(connection.Ask<wire::GainSet>(request, listener_));
    EXPECT_EQ(listener_.types, std::vector{wire::MessageType::kWake});
}

TEST_F(ConnectionTest, RefusesAnotherAnswerThanItAskedFor) {
    FakeServer server{[](Peer& peer) {
        BeginWell(peer);
        wire::SetGain request{};
        peer.Receive(request);
        peer.Send(wire::MakeMessage<wire::ParamsFreed>(request.header.serial));
        peer.AwaitEnd();
    }};
    Connection connection{At(server)};
    EXPECT_THROW(
        connection.Ask<wire::GainSet>(wire::MakeMessage<wire::SetGain>(), listener_),
        std::system_error);
}

TEST_F(ConnectionTest, TakesOneMessageThatIsThereAndDoesNotWaitForMore) {
    FakeServer server{[](Peer& peer) {
        BeginWell(peer);
        peer.Send(wire::MakeMessage<wire::Wake>());
        peer.AwaitEnd();
    }};
    Connection connection{At(server)};
    EXPECT_TRUE(connection.PoolsAreShared(listener_));
    int error = EAGAIN;
    while (error == EAGAIN)
        error = connection.TakeOne(listener_);
    EXPECT_EQ(error, 0);
    EXPECT_EQ(listener_.types, std::vector{wire::MessageType::kWake});
    EXPECT_EQ(connection.TakeOne(listener_), EAGAIN);
}

TEST_F(ConnectionTest, NoticesThatTheServerIsGone) {
    FakeServer server{BeginWell};
    Connection connection{At(server)};
    EXPECT_TRUE(connection.PoolsAreShared(listener_));
    server.Join();
    EXPECT_FALSE(connection.IsAlive());
    EXPECT_EQ(connection.TakeOne(listener_), ECONNRESET);
    EXPECT_EQ(connection.Send(wire::BytesOf(wire::MakeMessage<wire::Kick>())), EPIPE);
}

TEST_F(ConnectionTest, RefusesADeviceNameThatIsTooLong) {
    FakeServer server{[](Peer& peer) { peer.AwaitEnd(); }};
    try {
        const Connection connection{At(server, std::string(wire::kMaxNameBytes, 'd'))};
        FAIL() << "a name without an end was sent";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), ENODEV);
    }
}

TEST_F(ConnectionTest, SaysThatThisProcessHasNoDescriptorLeft) {
    FakeServer server{[](Peer& peer) { peer.AwaitEnd(); }};
    try {
        const test::FullFdTable full;
        const Connection connection{At(server)};
        FAIL() << "connected without a descriptor";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), EMFILE);
        EXPECT_THAT(error.what(), HasSubstr("this process"));
        EXPECT_THAT(error.what(), Not(HasSubstr("start shmd")));
    }
    const base::UniqueFd end{ipc::TryConnect(server.Path())};
}

TEST_F(ConnectionTest, DoesWithoutPoolsWhenItHasNoRoomForTheServersDescriptor) {
    FakeServer server{[](Peer& peer) {
        shm::OwnPool pool = shm::OwnPool::Shared();
        const base::UniqueFd fd = pool.TakeFd();
        if (!peer.Greet()) return;
        const test::FullFdTable full;  // it is one process
        peer.Send(PoolMessage(), fd.Get());
        peer.AnswerOpen();
        peer.AwaitEnd();
    }};
    Connection connection{At(server)};
    EXPECT_FALSE(connection.PoolsAreShared(listener_));
}

TEST_F(ConnectionTest, TakesNoErrorFromTheServerThatIsNone) {
    for (const int error : {4096, INT_MAX})
        EXPECT_EQ(Fail([=](Peer& peer) {
                      peer.Greet();
                      auto refused =
                          wire::MakeMessage<wire::Refused>(peer.open_.header.serial);
                      refused.error = error;
                      peer.Send(refused);
                      peer.AwaitEnd();
                  }),
                  EPROTO);
}

TEST_F(ConnectionTest, WaitsForAnAnswerNoLongerBecauseOtherMessagesCome) {
    EXPECT_EQ(Fail([](Peer& peer) {
                  if (!peer.Greet()) return;
                  while (peer.TrySend(wire::MakeMessage<wire::Wake>()))
                      std::this_thread::sleep_for(std::chrono::milliseconds{100});
              }),
              ETIMEDOUT);
}

}  // namespace
}  // namespace shmd::client
