// What a Stream does with a server that is hostile; a good one:
// unit/session/transport_test.

#include "client/stream.h"

#include "base/clock.h"
#include "shm/position.h"
#include "tests/support/fd_checked_test.h"
#include "tests/unit/client/fake_server.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <future>
#include <latch>
#include <memory>
#include <system_error>

namespace shmd::client {
namespace {

using Peer = FakeServer::Peer;

/** A server without memfds that answers SetParams, and then does `after`. */
FakeServer::Script ServeOverSocket(std::function<void(Peer&)> after) {
    return [after = std::move(after)](Peer& peer) {
        peer.Greet(0);
        peer.AnswerOpen();
        wire::SetParams request{};
        if (!peer.Receive(request)) return;
        auto answer = wire::MakeMessage<wire::ParamsSet>(request.header.serial);
        answer.generation = 1;
        peer.Send(answer);
        after(peer);
        peer.AwaitEnd();
    };
}

/** A server with pools. `before` comes between SetParams and its answer. */
struct PoolServer {
    using Step = std::function<void(Peer&, wire::ServerBlock&)>;

    Step before = [](Peer&, wire::ServerBlock&) {};
    Step after = [](Peer&, wire::ServerBlock&) {};
    uint64_t ring_offset = wire::kBlockBytes;
    uint64_t ring_bytes = 960 * 4;

    FakeServer::Script Script() {
        return [self = *this](Peer& peer) {
            shm::OwnPool pool = shm::OwnPool::Shared();
            auto& block = *reinterpret_cast<wire::ServerBlock*>(pool.Bytes().data());
            if (!self.SharePools(peer, pool)) return;
            wire::SetParams request{};
            if (!peer.Receive(request)) return;
            self.before(peer, block);
            auto answer = wire::MakeMessage<wire::ParamsSet>(request.header.serial);
            answer.generation = 1;
            answer.ring_offset = self.ring_offset;
            answer.ring_bytes = self.ring_bytes;
            peer.Send(answer);
            self.after(peer, block);
            peer.AwaitEnd();
        };
    }

  private:
    static bool SharePools(Peer& peer, shm::OwnPool& pool) {
        peer.Greet();
        auto message = wire::MakeMessage<wire::RegisterPool>();
        message.header.fd_count = 1;
        message.pool_id = wire::kServerPoolId;
        message.size_bytes = wire::kPoolBytes;
        peer.Send(message, pool.TakeFd().Get());
        peer.AnswerOpen();
        wire::RegisterPool registration{};
        if (!peer.Receive(registration)) return false;
        peer.Send(wire::MakeMessage<wire::PoolRegistered>(registration.header.serial));
        return true;
    }
};

/** A Data message with `frames` frames of 4 bytes, or that says so. */
std::vector<std::byte> DataMessage(uint32_t frames, size_t payload_bytes) {
    std::vector<std::byte> message(sizeof(wire::Data) + payload_bytes, std::byte{255});
    auto data = wire::MakeMessage<wire::Data>();
    data.header.size_bytes = static_cast<uint32_t>(message.size());
    data.frames = frames;
    std::memcpy(message.data(), &data, sizeof data);
    return message;
}

bool IsSilent(std::span<const std::byte> bytes) {
    return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

class StreamTest : public test::FdCheckedTest {
  protected:
    void Open(FakeServer::Script script, wire::Direction direction,
              FakeServer::Script next = {}) {
        server_ = std::make_unique<FakeServer>(std::move(script), std::move(next));
        Connection::Options options;
        options.server = server_->Path();
        options.direction = direction;
        stream_ = std::make_unique<Stream>(options);
    }

    ~StreamTest() override { stream_.reset(); }

    void SetParams(uint32_t buffer_frames = 960) {
        Stream::Params params;
        params.format = 3;
        params.rate_hz = 48000;
        params.channels = 2;
        params.frame_bytes = 4;
        params.period_frames = 480;
        params.buffer_frames = buffer_frames;
        params.direct = direct_;
        stream_->SetParams(params);
        stream_->SetThresholds(480, buffer_frames);
    }

    wire::Direct direct_ = wire::Direct::kNever;
    std::unique_ptr<FakeServer> server_;
    std::unique_ptr<Stream> stream_;
};

TEST_F(StreamTest, HasAWholeBufferOfRoomBeforeItStarts) {
    Open(ServeOverSocket([](Peer&) {}), wire::Direction::kPlayback);
    SetParams();
    const auto snapshot = stream_->Look(0);
    EXPECT_EQ(snapshot.state, Stream::State::kPrepared);
    EXPECT_EQ(stream_->Avail(snapshot.hw_frames), 960U);
    EXPECT_TRUE(stream_->IsReady(snapshot));
}

TEST(DeviceFormatTest, IsAsTheServerSaid) {
    auto opened = wire::MakeMessage<wire::StreamOpened>(1);
    opened.device_format = 7;
    opened.device_rate_hz = wire::kMaxRateHz;
    opened.device_channels = wire::kMaxChannels;
    const DeviceFormat device = TrustedFormat(opened);
    EXPECT_EQ(device.format, 7);
    EXPECT_EQ(device.rate_hz, wire::kMaxRateHz);
    EXPECT_EQ(device.channels, wire::kMaxChannels);
}

TEST(DeviceFormatTest, IsUnknownWhereTheServerNamesWhatNoStreamCanHave) {
    auto opened = wire::MakeMessage<wire::StreamOpened>(1);
    opened.device_channels = wire::kMaxChannels + 1;
    for (const uint32_t rate_hz :
         {uint32_t{0}, wire::kMinRateHz - 1, wire::kMaxRateHz + 1, UINT32_MAX}) {
        opened.device_rate_hz = rate_hz;
        EXPECT_EQ(TrustedFormat(opened).rate_hz, 0);
        EXPECT_EQ(TrustedFormat(opened).channels, 0);
    }
}

TEST_F(StreamTest, HasNothingToReadBeforeItStarts) {
    Open(ServeOverSocket([](Peer&) {}), wire::Direction::kCapture);
    SetParams();
    EXPECT_EQ(stream_->Avail(stream_->Look(0).hw_frames), 0U);
}

TEST_F(StreamTest, RefusesACaptureRingThatDoesNotLieInThePool) {
    Open(PoolServer{.ring_offset = UINT64_MAX - 100}.Script(), wire::Direction::kCapture);
    EXPECT_THROW(SetParams(), std::system_error);
    EXPECT_FALSE(stream_->HasParams());
}

TEST_F(StreamTest, RefusesACaptureRingThatBeginsInTheServersBlock) {
    Open(PoolServer{.ring_offset = 64}.Script(), wire::Direction::kCapture);
    EXPECT_THROW(SetParams(), std::system_error);
}

TEST_F(StreamTest, RefusesACaptureRingOfAnotherSizeThanItsBuffer) {
    Open(PoolServer{.ring_bytes = 960 * 4 - 8}.Script(), wire::Direction::kCapture);
    EXPECT_THROW(SetParams(), std::system_error);
}

TEST_F(StreamTest, RefusesACaptureRingWhoseSamplesLieAtOddPlaces) {
    Open(PoolServer{.ring_offset = wire::kBlockBytes + 1}.Script(),
         wire::Direction::kCapture);
    EXPECT_THROW(SetParams(), std::system_error);
}

TEST_F(StreamTest, IgnoresDataThatComesBeforeItHasARing) {
    FakeServer::Script script = [](Peer& peer) {
        peer.Greet(0);
        peer.AnswerOpen();
        wire::SetParams request{};
        if (!peer.Receive(request)) return;
        peer.SendBytes(DataMessage(100, 400));
        auto answer = wire::MakeMessage<wire::ParamsSet>(request.header.serial);
        peer.Send(answer);
        peer.AwaitEnd();
    };
    Open(std::move(script), wire::Direction::kCapture);
    SetParams();
    EXPECT_TRUE(IsSilent(stream_->ReadRuns(960).first));
}

TEST_F(StreamTest, HasNoRingThatDataCouldFillWhileOtherParametersAreAgreed) {
    FakeServer::Script script = [](Peer& peer) {
        peer.Greet(0);
        peer.AnswerOpen();
        for (bool again : {false, true}) {
            wire::SetParams request{};
            if (!peer.Receive(request)) return;
            // 1,900 frames fit the new ring and not the old one.
            if (again) peer.SendBytes(DataMessage(1900, 1900 * 4));
            peer.Send(wire::MakeMessage<wire::ParamsSet>(request.header.serial));
        }
        peer.AwaitEnd();
    };
    Open(std::move(script), wire::Direction::kCapture);
    SetParams(960);
    SetParams(1920);
    EXPECT_TRUE(IsSilent(stream_->ReadRuns(1920).first));
}

TEST_F(StreamTest, HasNoParametersAfterARefusal) {
    FakeServer::Script script = [](Peer& peer) {
        peer.Greet(0);
        peer.AnswerOpen();
        wire::SetParams request{};
        if (!peer.Receive(request)) return;
        auto refused = wire::MakeMessage<wire::Refused>(request.header.serial);
        refused.error = EBUSY;
        peer.Send(refused);
        peer.AwaitEnd();
    };
    Open(std::move(script), wire::Direction::kPlayback);
    EXPECT_THROW(SetParams(), std::system_error);
    EXPECT_FALSE(stream_->HasParams());
}

/** Whatever comes before it is left out. */
bool ReceiveParams(Peer& peer, wire::SetParams& request) {
    for (int messages = 0; messages < 100; ++messages)
        if (peer.Receive(request)) return true;
    return false;
}

void RefuseParams(Peer& peer) {
    wire::SetParams request{};
    ASSERT_TRUE(ReceiveParams(peer, request));
    auto refused = wire::MakeMessage<wire::Refused>(request.header.serial);
    refused.error = EBUSY;
    peer.Send(refused);
}

TEST_F(StreamTest, GoesOnWithNothingOnANewConnectionWhenItsLastParametersWereRefused) {
    std::latch was_refused{1};
    std::latch is_gone{1};
    const auto first = [&](Peer& peer) {
        peer.Greet(0);
        peer.AnswerOpen();
        wire::SetParams request{};
        ASSERT_TRUE(peer.Receive(request));
        peer.Send(wire::MakeMessage<wire::ParamsSet>(request.header.serial));
        RefuseParams(peer);
        was_refused.wait();
        peer.End();
        is_gone.count_down();
    };
    const auto next = [](Peer& peer) {
        peer.Greet(0);
        peer.AnswerOpen();
        wire::SetParams request{};
        ASSERT_TRUE(peer.Receive(request)) << "something else came first";
        peer.Send(wire::MakeMessage<wire::ParamsSet>(request.header.serial));
        peer.AwaitEnd();
    };
    Open(first, wire::Direction::kPlayback, next);
    SetParams();
    stream_->Prepare();
    stream_->Commit(480);
    stream_->Start();
    EXPECT_THROW(SetParams(1920), std::system_error);
    was_refused.count_down();
    is_gone.wait();
    SetParams(1920);
    EXPECT_EQ(stream_->Look(0).state, Stream::State::kPrepared);
}

/** The grant of `fd`, and then the word that says to write into that ring. */
void GrantDirect(Peer& peer, wire::ServerBlock& block, int fd) {
    auto grant = wire::MakeMessage<wire::DirectGrant>();
    grant.header.fd_count = 1;
    grant.grant = 7;
    grant.ring_frames = 4096;
    peer.Send(grant, fd);
    block.direct.store(wire::DirectPlace{1, 0}.Pack(), std::memory_order_release);
}

/** A server that agrees on a buffer, and ends the connection when it is asked for
 * another. */
PoolServer ServerThatGoesAtTheSecondParams() {
    PoolServer server;
    server.after = [](Peer& peer, wire::ServerBlock&) {
        wire::SetParams request{};
        EXPECT_TRUE(peer.Receive(request));
        peer.End();
    };
    return server;
}

TEST_F(StreamTest, HasTheRingOfBeforeWhereThePoolLiesNowWhenTheServerGoesMeanwhile) {
    Open(ServerThatGoesAtTheSecondParams().Script(), wire::Direction::kPlayback);
    SetParams();
    constexpr uint32_t kMuchLarger = 500 * 960;
    EXPECT_THROW(SetParams(kMuchLarger), std::system_error);
    ASSERT_TRUE(stream_->HasParams());
    const auto run = stream_->WriteRuns(960).first;
    ASSERT_EQ(run.size(), size_t{960} * 4);
    std::ranges::fill(run, std::byte{1});
}

TEST_F(StreamTest, GivesBackARingThatIsNoCard) {
    for (const int fd : {::memfd_create("no card", MFD_CLOEXEC),
                         ::open("/dev/zero", O_RDWR | O_CLOEXEC)}) {
        const auto returned = std::make_shared<std::atomic<uint32_t>>(0);
        PoolServer server;
        server.before = [fd](Peer& peer, wire::ServerBlock& block) {
            GrantDirect(peer, block, fd);
            ::close(fd);
        };
        server.after = [returned](Peer& peer, wire::ServerBlock&) {
            wire::DirectReturned message{};
            if (peer.Receive(message)) *returned = message.grant;
        };
        direct_ = wire::Direct::kAuto;
        Open(server.Script(), wire::Direction::kPlayback);
        SetParams();
        EXPECT_EQ(stream_->Commit(480), 480U);  // into the card's ring too, if it has one
        stream_.reset();
        server_->Join();
        EXPECT_EQ(*returned, 7U);
    }
}

TEST_F(StreamTest, GivesBackARingForWhichItHasNoParameters) {
    const auto returned = std::make_shared<std::atomic<uint32_t>>(0);
    PoolServer server;
    server.after = [returned](Peer& peer, wire::ServerBlock& block) {
        wire::FreeParams request{};
        if (!peer.Receive(request)) return;
        peer.Send(wire::MakeMessage<wire::ParamsFreed>(request.header.serial));
        const base::UniqueFd fd{::memfd_create("no card", MFD_CLOEXEC)};
        GrantDirect(peer, block, fd.Get());
        wire::SetParams again{};
        wire::DirectReturned message{};
        if (peer.Receive(again) && peer.Receive(message)) *returned = message.grant;
        peer.End();
    };
    direct_ = wire::Direct::kAuto;
    Open(server.Script(), wire::Direction::kPlayback);
    SetParams();
    stream_->FreeParams();
    EXPECT_THROW(SetParams(), std::system_error);
    stream_.reset();
    server_->Join();
    EXPECT_EQ(*returned, 7U);
}

class StreamOfALiar : public StreamTest,
                      public ::testing::WithParamInterface<wire::Direction> {
  protected:
    /** Every word of the server's block at once, in turn with all others. */
    void RequireBounds(int64_t now_ns) {
        const auto seen = stream_->UpdateReadiness(now_ns, true);
        const uint64_t avail = stream_->Avail(seen.hw_frames);
        EXPECT_LE(avail, 960U);
        EXPECT_LE(seen.delay_frames, uint64_t{Stream::kMostDelaySeconds} * 48000);
        EXPECT_LE(stream_->Queued(seen), 960 + Stream::kMostDelaySeconds * 48000U);
    }
};

TEST_P(StreamOfALiar, IsNeverBeyondItsBuffer) {
    const auto block = std::make_shared<std::promise<wire::ServerBlock*>>();
    PoolServer server;
    server.after = [block](Peer&, wire::ServerBlock& its) { block->set_value(&its); };
    Open(server.Script(), GetParam());
    SetParams();
    wire::ServerBlock& words = *block->get_future().get();
    stream_->Commit(GetParam() == wire::Direction::kPlayback ? 480 : 0);
    stream_->Start();
    const int64_t now_ns = base::SystemClock{}.NowNs();
    const uint64_t acted = wire::Command{1, 1, wire::Wanted::kRunning}.Pack();
    for (const uint64_t frames : {uint64_t{0}, uint64_t{1} << 62, UINT64_MAX >> 1,
                                  (UINT64_MAX >> 1) + 1, UINT64_MAX})
        for (const uint64_t limit :
             {uint64_t{0}, uint64_t{480}, UINT64_MAX >> 1, UINT64_MAX})
            for (const int64_t time_ns : {INT64_MIN, int64_t{-1}, now_ns, INT64_MAX})
                for (const int64_t cycle_ns : {INT64_MIN, int64_t{0}, INT64_MAX}) {
                    words.cycle_ns = cycle_ns;
                    shm::WritePosition(words, {.acted = acted,
                                               .state = wire::StreamState::kRunning,
                                               .frames = frames,
                                               .time_ns = time_ns,
                                               .limit_frames = limit,
                                               .delay_frames = UINT64_MAX - frames});
                    RequireBounds(now_ns);
                    words.woken.store(frames);
                    RequireBounds(now_ns + base::kNsPerSecond);
                }
}

INSTANTIATE_TEST_SUITE_P(Both, StreamOfALiar,
                         ::testing::Values(wire::Direction::kPlayback,
                                           wire::Direction::kCapture));

TEST_F(StreamTest, IgnoresDataThatDoesNotFitItsRing) {
    Open(ServeOverSocket([](Peer& peer) {
             std::vector<std::byte> message(sizeof(wire::Data) + 4000, std::byte{255});
             auto data = wire::MakeMessage<wire::Data>();
             data.header.size_bytes = static_cast<uint32_t>(message.size());
             for (const uint32_t frames : {1000U, 961U, UINT32_MAX, 5U}) {
                 data.frames = frames;
                 data.position_frames = UINT64_MAX - 3;
                 std::memcpy(message.data(), &data, sizeof data);
                 peer.SendBytes(message);
             }
             peer.End();
         }),
         wire::Direction::kCapture);
    SetParams();
    while (!stream_->IsGone())  // which it is after the last message
        stream_->Look(0);
    EXPECT_TRUE(IsSilent(stream_->ReadRuns(960).first));
}

TEST_F(StreamTest, IsGoneWhenTheServerSendsRubbish) {
    Open(ServeOverSocket([](Peer& peer) {
             constexpr std::array<std::byte, 40> kRubbish{std::byte{255}};
             peer.SendBytes(kRubbish);
         }),
         wire::Direction::kPlayback);
    SetParams();
    stream_->Start();
    while (!stream_->IsGone())
        stream_->Look(0);
    EXPECT_EQ(stream_->Look(0).state, Stream::State::kGone);
    EXPECT_EQ(stream_->Stop(), ENODEV);
}

}  // namespace
}  // namespace shmd::client
