#include "session/registry.h"

#include "client/stream.h"
#include "shm/pool.h"
#include "tests/support/fd_checked_test.h"
#include "tests/unit/render/fake_client.h"
#include "tests/unit/render/tap_device.h"
#include "tests/unit/session/raw_client.h"
#include "tests/unit/session/server_thread.h"

#include <gmock/gmock.h>
#include <unistd.h>
#include <system_error>

namespace shmd::session {
namespace {

using ::testing::HasSubstr;

constexpr uint32_t kBufferFrames = 4800;
// What a stream costs whose rate is the device's (session.cc).
constexpr uint64_t kStreamBytes = 8 * 1024;
constexpr uint64_t kRingBytes = uint64_t{kBufferFrames} * 4;

wire::SetParams Params(wire::Transport transport, uint32_t buffer_frames) {
    auto params = wire::MakeMessage<wire::SetParams>(11);
    params.format = 3;
    params.channels = 2;
    params.transport = static_cast<uint8_t>(transport);
    params.rate_hz = 48000;
    params.period_frames = 480;
    params.buffer_frames = buffer_frames;
    if (transport == wire::Transport::kMemfd) {
        params.ring_offset = wire::kBlockBytes;
        params.ring_bytes = uint64_t{buffer_frames} * 4;
    }
    return params;
}

/** A listener that hears nothing. */
struct Deaf final : engine::StreamListener {
    void OnStreamFault(const char*, uint64_t) override {}
    void OnStreamWake() override {}
    void OnRingRecall() override {}
    void OnDeviceExchanged() override {}
};

/** Add streams of the user on the device until it is refused one more. */
void UseUpTime(engine::Engine& engine, const audio::StreamFormat& format, uid_t uid,
               engine::StreamListener& listener) {
    const engine::Endpoint endpoint = engine.FindEndpoint("", false).value();
    const render::FakeClient client{1,
                                    {.format = format, .buffer_frames = kBufferFrames}};
    for (int i = 0; i < 1000; ++i)
        try {
            render::StreamSetup setup = client.Setup();
            setup.uid = uid;
            engine.Identify(setup);
            engine.Add(endpoint,
                       MakeStream(endpoint.runner->TargetOf(endpoint.kind), setup), {},
                       listener);
        } catch (const std::system_error& error) {
            EXPECT_EQ(error.code().value(), EBUSY);
            return;
        }
    ADD_FAILURE() << "1000 streams were added";
}

class RegistryTest : public test::FdCheckedTest {
  protected:
    void Start(const Registry::Options& options, const device::DeviceSpec& device = {}) {
        server_ = std::make_unique<ServerThread>(
            std::make_unique<device::VirtualDevice>(device),
            ServerThread::Options{.registry = options});
    }

    [[nodiscard]] RawClient Client() const { return RawClient{server_->Path()}; }

    /** What is charged, when the loop has nothing left to do. */
    Amounts Held() {
        Amounts held;
        EXPECT_TRUE(server_->Await([&](const auto& parts) {
            held = parts.registry.GetAccounts().HeldByAll();
            return true;
        }));
        return held;
    }
    bool AwaitHeld(const Amounts& wanted) {
        return server_->Await([&](const auto& parts) {
            return parts.registry.GetAccounts().HeldByAll() == wanted;
        });
    }
    bool AwaitConnections(uint64_t count) {
        return server_->Await([&](const auto& parts) {
            return parts.registry.GetAccounts().HeldByAll().connections == count;
        });
    }

    static void RegisterPool(RawClient& client) {
        auto message = wire::MakeMessage<wire::RegisterPool>(9);
        message.header.fd_count = 1;
        message.pool_id = wire::kClientPoolId;
        message.size_bytes = wire::kPoolBytes;
        shm::OwnPool pool = shm::OwnPool::Shared();
        const base::UniqueFd fd = pool.TakeFd();
        client.Send(message, {fd.Get()});
        EXPECT_TRUE(client.Receive<wire::PoolRegistered>());
    }

    static void Open(RawClient& client,
                     wire::Direction direction = wire::Direction::kPlayback) {
        auto open = wire::MakeMessage<wire::OpenStream>(2);
        open.direction = static_cast<uint8_t>(direction);
        client.Send(open);
        EXPECT_TRUE(client.Receive<wire::StreamOpened>());
    }

    std::unique_ptr<ServerThread> server_;
};

TEST_F(RegistryTest, ASilentConnectionHoldsOneDescriptorAndNoPool) {
    Start({});
    const long before = test::OpenFdCount();
    const RawClient client = Client();
    ASSERT_TRUE(AwaitConnections(1));
    EXPECT_EQ(test::OpenFdCount(), before + 2) << "its two ends";
    EXPECT_EQ(Held().descriptors, 1U);
    EXPECT_EQ(Held().mapped_bytes, 0U);
}

TEST_F(RegistryTest, AConnectionThatSaysNoHelloIsDropped) {
    Start({.hello_ns = 50 * base::kNsPerMs});
    RawClient greeted = Client();
    EXPECT_TRUE(greeted.Greet());
    RawClient silent = Client();
    EXPECT_TRUE(silent.AwaitEnd());
    EXPECT_TRUE(server_->AwaitLog("dropped: no hello"));
    Open(greeted);
    EXPECT_EQ(Held().connections, 1U);
}

TEST_F(RegistryTest, ChargesEachPoolAndRingWhenItIsMade) {
    Start({});
    RawClient client = Client();
    ASSERT_TRUE(AwaitConnections(1));
    const Amounts silent = Held();
    EXPECT_TRUE(client.Greet());
    const Amounts greeted = Held();
    EXPECT_EQ(greeted.descriptors, 2U);
    EXPECT_EQ(greeted.mapped_bytes, wire::kPoolBytes);
    EXPECT_GT(greeted.memory_bytes, silent.memory_bytes + wire::kBlockBytes);
    RegisterPool(client);
    EXPECT_EQ(Held().mapped_bytes, 2 * wire::kPoolBytes);
    Open(client);
    const uint64_t before = Held().memory_bytes;
    client.Send(Params(wire::Transport::kMemfd, kBufferFrames));
    EXPECT_TRUE(client.Receive<wire::ParamsSet>());
    EXPECT_EQ(Held().memory_bytes, before + shm::WholePages(kRingBytes) + kStreamBytes);
    // The private pool for the socket transport comes on top: 16 MiB are 16 MiB.
    client.Send(Params(wire::Transport::kSocket, kBufferFrames));
    EXPECT_TRUE(client.Receive<wire::ParamsSet>());
    EXPECT_GT(Held().mapped_bytes, 2 * wire::kPoolBytes + 2 * wire::kRingBytes);
    client = RawClient{""};
    EXPECT_TRUE(AwaitHeld({}));
}

TEST_F(RegistryTest, ChargesTheSameRingOnce) {
    Start({});
    RawClient client = Client();
    EXPECT_TRUE(client.Greet());
    RegisterPool(client);
    Open(client);
    const uint64_t before = Held().memory_bytes;
    for (int i = 0; i < 20; ++i) {
        auto params = Params(wire::Transport::kMemfd, kBufferFrames);
        params.ring_offset += static_cast<uint64_t>(i % 3) * 4;
        client.Send(params);
        EXPECT_TRUE(client.Receive<wire::ParamsSet>());
    }
    EXPECT_LE(Held().memory_bytes,
              before + shm::WholePages(kRingBytes) + 4096 + kStreamBytes);
}

TEST_F(RegistryTest, ChargesAnswersThatAreNotRead) {
    Start({});
    RawClient client = Client();
    EXPECT_TRUE(client.Greet());
    const uint64_t before = Held().memory_bytes;
    const auto gain = wire::MakeMessage<wire::SetGain>(1);
    for (int i = 0; i < 1000; ++i)
        client.Send(gain);
    // The kernel keeps some hundred; the others are the server's.
    EXPECT_TRUE(server_->Await([&](const auto& parts) {
        return parts.registry.GetAccounts().HeldByAll().memory_bytes > before + 64 * 1024;
    }));
    for (int i = 0; i < 1000; ++i)
        EXPECT_TRUE(client.Receive<wire::GainSet>());
    client.Send(gain);
    EXPECT_TRUE(client.Receive<wire::GainSet>());
    EXPECT_EQ(Held().memory_bytes, before);
}

TEST_F(RegistryTest, ChargesForTheFiltersOfAnotherRate) {
    Start({});
    RawClient client = Client();
    EXPECT_TRUE(client.Greet());
    Open(client);
    auto params = Params(wire::Transport::kSocket, kBufferFrames);
    client.Send(params);
    EXPECT_TRUE(client.Receive<wire::ParamsSet>());
    const uint64_t plain = Held().memory_bytes;
    params.rate_hz = 383'952;
    client.Send(params);
    EXPECT_TRUE(client.Receive<wire::ParamsSet>());
    EXPECT_GT(Held().memory_bytes, plain + 2'000'000);
    client.Send(wire::MakeMessage<wire::FreeParams>(5));
    EXPECT_TRUE(client.Receive<wire::ParamsFreed>());
    EXPECT_EQ(Held().memory_bytes, plain - kStreamBytes);
}

TEST_F(RegistryTest, ChargesNothingForAStreamThatIsRefused) {
    // So fast and wide that a plain stream is dear, by a cost that is not measured.
    const audio::StreamFormat format{audio::SampleFormat::kS16Le, 384'000, 32};
    Start({}, {.format = format, .wav_path = "", .capture_path = ""});
    RawClient client = Client();
    EXPECT_TRUE(client.Greet());
    Open(client);
    auto params = Params(wire::Transport::kSocket, kBufferFrames);
    params.channels = 32;
    params.rate_hz = 384'000;
    client.Send(params);
    EXPECT_TRUE(client.Receive<wire::ParamsSet>());
    client.Send(wire::MakeMessage<wire::FreeParams>(5));
    EXPECT_TRUE(client.Receive<wire::ParamsFreed>());
    const uint64_t before = Held().memory_bytes;
    Deaf deaf;
    ASSERT_TRUE(server_->Await([&](const auto& parts) {
        UseUpTime(parts.engine, format, ::getuid(), deaf);
        return true;
    }));
    for (int i = 0; i < 3; ++i) {
        client.Send(params);
        const auto refused = client.Receive<wire::Refused>();
        ASSERT_TRUE(refused);
        EXPECT_EQ(refused->error, EBUSY);
        EXPECT_EQ(Held().memory_bytes, before);
    }
}

TEST_F(RegistryTest, RefusesARingThatItsUserMayNotHave) {
    Accounts::Limits limits;
    limits.total.memory_bytes = 1 << 20;
    Start({.limits = limits});
    RawClient client = Client();
    EXPECT_TRUE(client.Greet());
    RegisterPool(client);
    Open(client);
    client.Send(Params(wire::Transport::kMemfd, 1 << 20));
    const auto refused = client.Receive<wire::Refused>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, EDQUOT);
    EXPECT_THAT(std::string{*wire::FindText(refused->reason)},
                HasSubstr("max_memory_mib"));
    client.Send(Params(wire::Transport::kMemfd, kBufferFrames));
    EXPECT_TRUE(client.Receive<wire::ParamsSet>()) << "a smaller one it may";
}

TEST_F(RegistryTest, RefusesAHelloThatFindsNoRoomForItsPool) {
    Accounts::Limits limits;
    limits.total.mapped_bytes = wire::kPoolBytes;
    Start({.limits = limits});
    RawClient first = Client();
    EXPECT_TRUE(first.Greet());
    RawClient second = Client();
    second.Send(wire::MakeMessage<wire::Hello>(1));
    auto hello = wire::MakeMessage<wire::Hello>(1);
    hello.version = wire::kProtocolVersion;
    RawClient third = Client();
    third.Send(hello);
    const auto refused = third.Receive<wire::Refused>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, EDQUOT);
    EXPECT_TRUE(third.AwaitEnd());
}

TEST_F(RegistryTest, TheOldestIdleConnectionOfAUserMakesWay) {
    Start({.limits = ConnectionLimit(3), .idle_ns = 0});
    RawClient plays = Client();
    EXPECT_TRUE(plays.Greet());
    Open(plays);
    plays.Send(Params(wire::Transport::kSocket, kBufferFrames));
    EXPECT_TRUE(plays.Receive<wire::ParamsSet>());
    RawClient oldest = Client();
    EXPECT_TRUE(oldest.Greet());
    RawClient younger = Client();
    EXPECT_TRUE(younger.Greet());
    RawClient next = Client();
    EXPECT_TRUE(next.Greet());
    EXPECT_TRUE(oldest.AwaitEnd());
    Open(younger);
    plays.Send(wire::MakeMessage<wire::FreeParams>(5));
    EXPECT_TRUE(plays.Receive<wire::ParamsFreed>());
}

TEST_F(RegistryTest, AStreamThatMadeWayConnectsAnewWhenItGetsParameters) {
    Start({.limits = ConnectionLimit(1), .idle_ns = 0});
    client::Connection::Options options;
    options.server = server_->Path();
    const client::Stream::Params params{.format = 3,
                                        .rate_hz = 48000,
                                        .channels = 2,
                                        .frame_bytes = 4,
                                        .period_frames = 480,
                                        .buffer_frames = kBufferFrames};
    client::Stream first{options};
    client::Stream second{options};
    first.SetParams(params);
    EXPECT_EQ(first.Start(), 0);
    EXPECT_TRUE(first.HasParams());
    EXPECT_THROW(second.SetParams(params), std::system_error) << "there is no room";
    first.FreeParams();
    second.SetParams(params);
    EXPECT_NO_THROW(second.FreeParams());
    first.FreeParams();
}

TEST_F(RegistryTest, NoConnectionMakesWayThatMayBeOnItsWay) {
    Start({.limits = ConnectionLimit(1)});
    RawClient first = Client();
    EXPECT_TRUE(first.Greet());
    RawClient second = Client();
    const auto refused = second.Receive<wire::Refused>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, EDQUOT);
    Open(first);
}

}  // namespace
}  // namespace shmd::session
