#include "shm/memfd.h"
#include "shm/pool.h"
#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/tap_device.h"
#include "tests/unit/session/raw_client.h"
#include "tests/unit/session/server_thread.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>
#include <fstream>
#include <thread>

namespace shmd::session {
namespace {

using ::testing::HasSubstr;

std::unique_ptr<device::Device> MakeDevice() {
    return std::make_unique<device::VirtualDevice>(device::DeviceSpec{});
}

/** Pools that this process has mapped. */
int MappedPools() {
    std::ifstream maps{"/proc/self/maps"};
    int count = 0;
    for (std::string line; std::getline(maps, line);)
        if (line.find("/memfd:shmd") != std::string::npos) ++count;
    return count;
}

wire::RegisterPool PoolMessage(uint32_t id = wire::kClientPoolId,
                               uint64_t size_bytes = wire::kPoolBytes) {
    auto message = wire::MakeMessage<wire::RegisterPool>(9);
    message.header.fd_count = 1;
    message.pool_id = id;
    message.size_bytes = size_bytes;
    return message;
}

wire::SetParams ParamsMessage(wire::Transport transport) {
    auto params = wire::MakeMessage<wire::SetParams>(11);
    params.format = 3;
    params.channels = 2;
    params.transport = static_cast<uint8_t>(transport);
    params.rate_hz = 48000;
    params.period_frames = 480;
    params.buffer_frames = 4800;
    if (transport == wire::Transport::kMemfd) {
        params.ring_offset = wire::kBlockBytes;
        params.ring_bytes = uint64_t{4800} * 4;
    }
    return params;
}

class SessionTest : public test::FdCheckedTest {
  protected:
    /** Bring up a server; the tests' clients are connected to it. */
    void StartServer(const ServerThread::Options& options = {}) {
        server_ = std::make_unique<ServerThread>(MakeDevice(), options);
        client_ = std::make_unique<RawClient>(server_->Path());
    }

    void SendPool(const wire::RegisterPool& message = PoolMessage()) {
        shm::OwnPool pool = shm::OwnPool::Shared(message.size_bytes);
        const base::UniqueFd fd = pool.TakeFd();
        client_->Send(message, {fd.Get()});
    }

    void OpenStream(wire::Direction direction = wire::Direction::kPlayback) {
        auto open = wire::MakeMessage<wire::OpenStream>(2);
        open.direction = static_cast<uint8_t>(direction);
        client_->Send(open);
        EXPECT_TRUE(client_->Receive<wire::StreamOpened>());
    }

    /** The errno of the refusal that comes next. */
    int ReceiveRefusal() {
        const auto refused = client_->Receive<wire::Refused>();
        return refused ? refused->error : 0;
    }

    /** That the server dropped the client, for that reason, and goes on itself. */
    void ExpectDropped(const std::string& why) {
        EXPECT_TRUE(client_->AwaitEnd());
        EXPECT_TRUE(server_->AwaitLog(why));
        RawClient other{server_->Path()};
        EXPECT_TRUE(other.Greet());
    }

    std::unique_ptr<ServerThread> server_;
    std::unique_ptr<RawClient> client_;
};

TEST_F(SessionTest, AnswersAHelloAndSendsItsPool) {
    StartServer();
    EXPECT_TRUE(client_->Greet());
    const auto pool = client_->Receive<wire::RegisterPool>();
    ASSERT_TRUE(pool);
    ASSERT_EQ(client_->fds_.size(), 1U);
    EXPECT_EQ(pool->pool_id, wire::kServerPoolId);
    EXPECT_EQ(shm::CheckOneWay(client_->fds_[0].Get(), pool->size_bytes),
              shm::PoolFault::kNone);
}

TEST_F(SessionTest, DropsAMessageBeforeHello) {
    StartServer();
    client_->Send(wire::MakeMessage<wire::OpenStream>());
    ExpectDropped("a message before hello");
}

/** Linux 6.16. */
bool ThisKernelForbidsDescriptors() {
    const base::UniqueFd socket{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)};
    ipc::LetDescriptorsCome(socket.Get(), false);
    return !ipc::DescriptorsMayCome(socket.Get());
}

TEST_F(SessionTest, ADescriptorBeforeTheHelloCannotEvenBeSent) {
    if (!ThisKernelForbidsDescriptors())
        GTEST_SKIP() << "this kernel has no SO_PASSRIGHTS (Linux 6.16)";
    StartServer();
    EXPECT_EQ(client_->Send(PoolMessage(), {STDIN_FILENO}), EPERM);
    EXPECT_TRUE(client_->Greet());
    SendPool();
    EXPECT_TRUE(client_->Receive<wire::PoolRegistered>());
}

TEST_F(SessionTest, DropsASecondHello) {
    StartServer();
    client_->Greet();
    client_->Greet();
    ExpectDropped("a second hello");
}

TEST_F(SessionTest, RefusesAnotherVersionAndSaysWhichItSpeaks) {
    StartServer();
    auto hello = wire::MakeMessage<wire::Hello>(1);
    hello.version = 99;
    client_->Send(hello);
    const auto refused = client_->Receive<wire::Refused>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, EPROTONOSUPPORT);
    EXPECT_THAT(std::string{*wire::FindText(refused->reason)}, HasSubstr("99"));
    EXPECT_TRUE(client_->AwaitEnd());
}

TEST_F(SessionTest, DropsAMalformedHeader) {
    StartServer();
    client_->Greet();
    constexpr std::array<std::byte, 20> kRubbish{std::byte{1}};
    client_->SendBytes(kRubbish);
    ExpectDropped("malformed message header");
}

TEST_F(SessionTest, DropsAMessageWithAReservedFieldThatIsNotZero) {
    StartServer();
    client_->Greet();
    auto gain = wire::MakeMessage<wire::SetGain>();
    gain.reserved = 1;
    client_->Send(gain);
    ExpectDropped("malformed message of type 11");
}

TEST_F(SessionTest, RefusesAnUnknownMessageAndGoesOn) {
    StartServer();
    client_->Greet();
    auto unknown = wire::MakeMessage<wire::Kick>(5);
    unknown.header.type = 999;
    client_->Send(unknown);
    EXPECT_EQ(ReceiveRefusal(), ENOSYS);
    OpenStream();
}

TEST_F(SessionTest, TakesAGoodPool) {
    StartServer();
    client_->Greet();
    SendPool();
    const auto answer = client_->Receive<wire::PoolRegistered>();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->header.serial, 9U);
}

TEST_F(SessionTest, RefusesASecondPoolAndGoesOn) {
    StartServer();
    client_->Greet();
    SendPool();
    EXPECT_TRUE(client_->Receive<wire::PoolRegistered>());
    SendPool();
    EXPECT_EQ(ReceiveRefusal(), EEXIST);
    OpenStream();
}

TEST_F(SessionTest, RefusesAPoolOfAnotherNumber) {
    StartServer();
    client_->Greet();
    SendPool(PoolMessage(wire::kServerPoolId));
    EXPECT_EQ(ReceiveRefusal(), EINVAL);
}

TEST_F(SessionTest, DropsAPoolWithoutADescriptor) {
    StartServer();
    client_->Greet();
    auto message = PoolMessage();
    message.header.fd_count = 0;
    client_->Send(message);
    ExpectDropped("a pool without a descriptor");
}

TEST_F(SessionTest, DropsAPoolWhenMemfdsWereNotAgreedOn) {
    StartServer({.use_memfd = false});
    client_->Greet();
    SendPool();
    ExpectDropped("memfds were not agreed on");
}

TEST_F(SessionTest, DropsDescriptorsWithAMessageThatHasNone) {
    StartServer();
    client_->Greet();
    const base::UniqueFd fd = shm::CreateMemfd(4096);
    auto message = wire::MakeMessage<wire::Kick>();
    message.header.fd_count = 1;
    client_->Send(message, {fd.Get()});
    ExpectDropped("descriptors with a message that takes none");
}

TEST_F(SessionTest, NeverMapsAPoolThatItsOwnerCouldStillChange) {
    StartServer();
    client_->Greet();
    const int before = MappedPools();
    const base::UniqueFd fd = shm::CreateMemfd(wire::kPoolBytes);
    client_->Send(PoolMessage(), {fd.Get()});
    EXPECT_FALSE(client_->Receive<wire::PoolRegistered>());
    EXPECT_LE(MappedPools(), before);
}

TEST_F(SessionTest, RefusesASecondStream) {
    StartServer();
    client_->Greet();
    OpenStream();
    client_->Send(wire::MakeMessage<wire::OpenStream>());
    EXPECT_EQ(ReceiveRefusal(), EBUSY);
}

TEST_F(SessionTest, RefusesADeviceThatThereIsNot) {
    StartServer();
    client_->Greet();
    auto open = wire::MakeMessage<wire::OpenStream>();
    wire::SetText(open.device, "nowhere");
    client_->Send(open);
    EXPECT_EQ(ReceiveRefusal(), ENODEV);
    OpenStream();
}

TEST_F(SessionTest, RefusesParametersBeforeAStream) {
    StartServer();
    client_->Greet();
    client_->Send(ParamsMessage(wire::Transport::kSocket));
    EXPECT_EQ(ReceiveRefusal(), EBADFD);
}

TEST_F(SessionTest, RefusesSharedMemoryWithoutAPool) {
    StartServer();
    client_->Greet();
    OpenStream();
    client_->Send(ParamsMessage(wire::Transport::kMemfd));
    EXPECT_EQ(ReceiveRefusal(), EINVAL);
}

TEST_F(SessionTest, RefusesParametersThatCannotBeAndTakesBetterOnes) {
    StartServer();
    client_->Greet();
    OpenStream();
    auto params = ParamsMessage(wire::Transport::kSocket);
    params.rate_hz = 1;
    client_->Send(params);
    EXPECT_EQ(ReceiveRefusal(), EINVAL);
    client_->Send(ParamsMessage(wire::Transport::kSocket));
    EXPECT_TRUE(client_->Receive<wire::ParamsSet>());
}

TEST_F(SessionTest, GivesEachSetOfParametersAGenerationOfItsOwn) {
    StartServer();
    client_->Greet();
    OpenStream();
    client_->Send(ParamsMessage(wire::Transport::kSocket));
    const auto first = client_->Receive<wire::ParamsSet>();
    client_->Send(ParamsMessage(wire::Transport::kSocket));
    const auto second = client_->Receive<wire::ParamsSet>();
    ASSERT_TRUE(first && second);
    EXPECT_NE(first->generation, second->generation);
}

TEST_F(SessionTest, RefusesAGainThatIsTooHigh) {
    StartServer();
    client_->Greet();
    auto gain = wire::MakeMessage<wire::SetGain>();
    gain.gain_milli = wire::kMaxGainMilli + 1;
    client_->Send(gain);
    EXPECT_EQ(ReceiveRefusal(), EINVAL);
    gain.gain_milli = wire::kMaxGainMilli;
    client_->Send(gain);
    EXPECT_TRUE(client_->Receive<wire::GainSet>());
}

TEST_F(SessionTest, DropsDataThatItsStreamDoesNotTake) {
    StartServer();
    client_->Greet();
    client_->Send(wire::MakeMessage<wire::Data>());
    ExpectDropped("data, but the stream does not use the socket transport");
}

TEST_F(SessionTest, DropsDataOfAWrongSize) {
    StartServer();
    client_->Greet();
    OpenStream();
    client_->Send(ParamsMessage(wire::Transport::kSocket));
    EXPECT_TRUE(client_->Receive<wire::ParamsSet>());
    auto data = wire::MakeMessage<wire::Data>();
    data.frames = 1;
    client_->Send(data);
    ExpectDropped("data of a wrong size");
}

TEST_F(SessionTest, DropsAClientWhoseWordsCannotBe) {
    StartServer();
    client_->Greet();
    OpenStream();
    client_->Send(ParamsMessage(wire::Transport::kSocket));
    const auto params = client_->Receive<wire::ParamsSet>();
    ASSERT_TRUE(params);
    auto words = wire::MakeMessage<wire::ClientWords>();
    words.command = wire::Command{1, params->generation, wire::Wanted{9}}.Pack();
    client_->Send(words);
    ExpectDropped("impossible value in the word command");
}

TEST_F(SessionTest, FreesParametersTwice) {
    StartServer();
    client_->Greet();
    for (int i = 0; i < 2; ++i) {
        client_->Send(wire::MakeMessage<wire::FreeParams>());
        EXPECT_TRUE(client_->Receive<wire::ParamsFreed>());
    }
}

TEST_F(SessionTest, RefusesMoreConnectionsThanItsQuota) {
    StartServer({.use_memfd = true, .registry = {.limits = ConnectionLimit(2)}});
    EXPECT_TRUE(client_->Greet());
    RawClient second{server_->Path()};
    EXPECT_TRUE(second.Greet());
    RawClient third{server_->Path()};
    const auto refused = third.Receive<wire::Refused>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, EDQUOT);
    EXPECT_THAT(std::string{*wire::FindText(refused->reason)}, HasSubstr("max_clients"));
    EXPECT_TRUE(third.AwaitEnd());
}

TEST_F(SessionTest, RefusesAConnectionAlsoWhereThereIsNoMemoryToLogIt) {
    StartServer({.use_memfd = true, .registry = {.limits = ConnectionLimit(1)}});
    EXPECT_TRUE(client_->Greet());
    server_->FailToLog("refused: ");
    RawClient second{server_->Path()};
    EXPECT_FALSE(second.Greet());
}

TEST_F(SessionTest, DropsAClientAlsoWhereThereIsNoMemoryToLogIt) {
    StartServer();
    EXPECT_TRUE(client_->Greet());
    server_->FailToLog("dropped: ");
    EXPECT_FALSE(client_->Greet());
    EXPECT_TRUE(client_->AwaitEnd());
}

TEST_F(SessionTest, TakesAConnectionInThePlaceOfOneThatIsGone) {
    StartServer({.use_memfd = true, .registry = {.limits = ConnectionLimit(1)}});
    EXPECT_TRUE(client_->Greet());
    client_.reset();
    EXPECT_TRUE(
        server_->Await([](const auto& parts) { return parts.registry.Count() == 0; }));
    RawClient next{server_->Path()};
    EXPECT_TRUE(next.Greet());
}

TEST_F(SessionTest, UnmapsItsMemoryWhenItIsGone) {
    StartServer();
    ASSERT_TRUE(server_->Await([](const auto&) { return true; }));
    const int before = MappedPools();
    EXPECT_TRUE(client_->Greet());
    SendPool();
    EXPECT_TRUE(client_->Receive<wire::PoolRegistered>());
    OpenStream();
    client_->Send(ParamsMessage(wire::Transport::kMemfd));
    EXPECT_TRUE(client_->Receive<wire::ParamsSet>());
    EXPECT_EQ(MappedPools(), before + 2);
    client_.reset();
    // Not in a turn of the loop: the user's helper thread unmaps it.
    const base::SystemClock clock;
    const int64_t deadline_ns = clock.NowNs() + 10 * base::kNsPerSecond;
    while (MappedPools() != before && clock.NowNs() < deadline_ns)
        std::this_thread::yield();
    EXPECT_EQ(MappedPools(), before);
}

}  // namespace
}  // namespace shmd::session
