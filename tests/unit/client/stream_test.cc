// What a Stream does with a server that is hostile; a good one:
// unit/session/transport_test.

#include "client/stream.h"

#include "tests/support/fd_checked_test.h"
#include "tests/unit/client/fake_server.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
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

class StreamTest : public test::FdCheckedTest {
  protected:
    void Open(FakeServer::Script script, wire::Direction direction) {
        server_ = std::make_unique<FakeServer>(std::move(script));
        Connection::Options options;
        options.server = server_->Path();
        options.direction = direction;
        stream_ = std::make_unique<Stream>(options);
    }

    ~StreamTest() override { stream_.reset(); }

    void SetParams() {
        Stream::Params params;
        params.format = 3;
        params.rate_hz = 48000;
        params.channels = 2;
        params.frame_bytes = 4;
        params.period_frames = 480;
        params.buffer_frames = 960;
        stream_->SetParams(params);
        stream_->SetThresholds(480, 960);
    }

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

TEST_F(StreamTest, HasNothingToReadBeforeItStarts) {
    Open(ServeOverSocket([](Peer&) {}), wire::Direction::kCapture);
    SetParams();
    EXPECT_EQ(stream_->Avail(stream_->Look(0).hw_frames), 0U);
}

TEST_F(StreamTest, RefusesACaptureRingThatDoesNotLieInThePool) {
    Open(
        [](Peer& peer) {
            peer.Greet();
            shm::OwnPool pool = shm::OwnPool::Shared();
            auto message = wire::MakeMessage<wire::RegisterPool>();
            message.header.fd_count = 1;
            message.pool_id = wire::kServerPoolId;
            message.size_bytes = wire::kPoolBytes;
            peer.Send(message, pool.TakeFd().Get());
            peer.AnswerOpen();
            wire::RegisterPool registration{};
            peer.Receive(registration);
            peer.Send(
                wire::MakeMessage<wire::PoolRegistered>(registration.header.serial));
            wire::SetParams request{};
            peer.Receive(request);
            auto answer = wire::MakeMessage<wire::ParamsSet>(request.header.serial);
            answer.ring_offset = UINT64_MAX - 100;
            answer.ring_bytes = 960 * 4;
            peer.Send(answer);
            peer.AwaitEnd();
        },
        wire::Direction::kCapture);
    EXPECT_THROW(SetParams(), std::system_error);
}

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
    const auto ring = stream_->ReadRuns(960).first;
    EXPECT_TRUE(std::ranges::all_of(ring, [](std::byte b) { return b == std::byte{0}; }));
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
