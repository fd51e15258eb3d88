// Direct mode without a card: the server of the tests, on a device whose ring is a memfd.

#include "client/stream.h"
#include "shm/mapping.h"
#include "shm/pool.h"
#include "tests/support/fd_checked_test.h"
#include "tests/support/run_together.h"
#include "tests/unit/render/stage.h"
#include "tests/unit/session/raw_client.h"
#include "tests/unit/session/ring_device.h"
#include "tests/unit/session/server_thread.h"

#include <gmock/gmock.h>
#include <algorithm>
#include <atomic>

namespace shmd::session {
namespace {

using base::kNsPerMs;
using ::testing::HasSubstr;
using wire::Direct;
using wire::Transport;

constexpr uint32_t kBufferFrames = 4800;
constexpr size_t kCardBytes = size_t{RingDevice::kRingFrames} * 4;
constexpr uint64_t kRingBytes = uint64_t{kBufferFrames} * 4;

wire::SetParams Params(Direct direct, Transport transport = Transport::kMemfd) {
    auto params = wire::MakeMessage<wire::SetParams>(11);
    params.format = static_cast<uint8_t>(audio::SampleFormat::kS16Le);
    params.channels = 2;
    params.transport = static_cast<uint8_t>(transport);
    params.direct = static_cast<uint8_t>(direct);
    params.rate_hz = 48000;
    params.period_frames = 480;
    params.buffer_frames = kBufferFrames;
    if (transport == Transport::kMemfd) {
        params.ring_offset = wire::kBlockBytes;
        params.ring_bytes = kRingBytes;
    }
    return params;
}

/** A client that keeps its pool, and has a stream on the device. */
class PoolClient : public RawClient {
  public:
    explicit PoolClient(const std::string& path,
                        wire::Direction direction = wire::Direction::kPlayback)
        : RawClient{path} {
        EXPECT_TRUE(Greet());
        EXPECT_TRUE(Receive<wire::RegisterPool>());
        server_ = shm::Mapping::OfFile(fds_.at(0).Get(), wire::kBlockBytes,
                                       shm::Mapping::Access::kReadOnly);
        auto pool = wire::MakeMessage<wire::RegisterPool>(9);
        pool.header.fd_count = 1;
        pool.pool_id = wire::kClientPoolId;
        pool.size_bytes = wire::kPoolBytes;
        const base::UniqueFd fd = pool_.TakeFd();
        Send(pool, {fd.Get()});
        auto open = wire::MakeMessage<wire::OpenStream>(2);
        open.direction = static_cast<uint8_t>(direction);
        Send(open);
        EXPECT_TRUE(Receive<wire::StreamOpened>());
    }

    /** The grant that comes with the answer; nothing if the answer comes alone. */
    std::optional<wire::DirectGrant> SetParams(const wire::SetParams& params) {
        Send(params);
        std::optional<wire::DirectGrant> grant;
        auto message = ReceiveAny();
        if (Is<wire::DirectGrant>(message)) {
            grant = wire::FindMessage<wire::DirectGrant>(message);
            ring_ = shm::Mapping::OfFile(fds_.at(0).Get(), kCardBytes,
                                         shm::Mapping::Access::kReadWrite);
            message = ReceiveAny();
        }
        const auto set = wire::FindMessage<wire::ParamsSet>(message);
        EXPECT_TRUE(Is<wire::ParamsSet>(message));
        generation_ = set ? set->generation : uint16_t{0};
        return grant;
    }

    std::optional<wire::DirectGrant> SetParams(Direct direct) {
        return SetParams(Params(direct));
    }

    void Return(uint32_t grant) {
        auto returned = wire::MakeMessage<wire::DirectReturned>();
        returned.grant = grant;
        Send(returned);
    }

    /** The server has read all that was sent before. */
    bool Sync() {
        auto unity = wire::MakeMessage<wire::SetGain>(77);
        unity.gain_milli = 1000;
        Send(unity);
        return Receive<wire::GainSet>().has_value();
    }

    void Start() {
        Block().stop_threshold_frames = wire::kNeverStop;
        Block().command =
            wire::Command{++epoch_, generation_, wire::Wanted::kRunning}.Pack();
        Send(wire::MakeMessage<wire::Kick>());
    }

    /** Wish to be woken as soon as there is room. */
    void Arm() {
        Block().avail_min_frames = 1;
        Block().armed = 1;
    }
    [[nodiscard]] bool IsWoken() const {
        const auto& block =
            *reinterpret_cast<const wire::ServerBlock*>(server_.Bytes().data());
        return block.woken == 1;
    }

    wire::ClientBlock& Block() {
        return *reinterpret_cast<wire::ClientBlock*>(pool_.Bytes().data());
    }
    [[nodiscard]] wire::DirectPlace Place() const {
        const auto& block =
            *reinterpret_cast<const wire::ServerBlock*>(server_.Bytes().data());
        return wire::DirectPlace::Unpack(block.direct);
    }
    std::span<std::byte> PoolRing() {
        return pool_.Bytes().subspan(wire::kBlockBytes, kRingBytes);
    }
    std::span<std::byte> CardRing() { return ring_.Writable(); }

  private:
    shm::OwnPool pool_ = shm::OwnPool::Shared();
    shm::Mapping server_;
    shm::Mapping ring_;
    uint16_t generation_ = 0;
    uint32_t epoch_ = 0;
};

class DirectTest : public test::FdCheckedTest {
  protected:
    explicit DirectTest(int64_t clock_ns = ServerThread::kFarAhead) {
        auto device = std::make_unique<RingDevice>();
        device_ = device.get();
        server_ = std::make_unique<ServerThread>(
            std::move(device), ServerThread::Options{.clock_ns = clock_ns});
    }

    [[nodiscard]] PoolClient Client() const { return PoolClient{server_->Path()}; }

    [[nodiscard]] bool AwaitGrants(bool has_grants) const {
        return server_->Await([=](const auto& parts) {
            return parts.engine.Devices().front()->HasGrants() == has_grants;
        });
    }

    /** What the statistics say of the newest stream. */
    [[nodiscard]] std::string Note() const {
        std::string note;
        server_->Await([&](const auto& parts) {
            note = parts.engine.Records().back().direct;
            return true;
        });
        return note;
    }

    /** Ask for the ring back, on the loop. */
    void Recall() {
        server_->Defer([this](const auto& parts) {
            parts.engine.Devices().front()->Recall([this] { is_over_ = true; });
        });
    }
    [[nodiscard]] bool AwaitRecalled() const {
        return server_->Await([this](const auto&) { return is_over_.load(); });
    }

    /** The device goes and comes back, as when a card is set anew. */
    void Exchange() {
        server_->Defer([](const auto& parts) {
            auto& runner = *parts.engine.Devices().front();
            runner.Attach(runner.Detach());
        });
    }

    RingDevice* device_;
    std::atomic<bool> is_over_ = false;
    std::unique_ptr<ServerThread> server_;
};

TEST_F(DirectTest, GrantsTheRingBeforeItAnswers) {
    PoolClient client = Client();
    const auto grant = client.SetParams(Direct::kAuto);
    ASSERT_TRUE(grant);
    EXPECT_EQ(grant->grant, 1U);
    EXPECT_EQ(grant->ring_frames, RingDevice::kRingFrames);
    EXPECT_TRUE(AwaitGrants(true));
    EXPECT_EQ(Note(), "granted");
}

TEST_F(DirectTest, HoldsNothingForAStreamThatIsRefusedForWantOfMemory) {
    PoolClient client = Client();
    EXPECT_FALSE(client.SetParams(Direct::kNever));
    client.Send(wire::MakeMessage<wire::FreeParams>(5));
    EXPECT_TRUE(client.Receive<wire::ParamsFreed>());
    const auto await_memory = [&](uint64_t& bytes) {
        return server_->Await([&](const auto& parts) {
            bytes = parts.registry.GetAccounts().HeldByAll().memory_bytes;
            return parts.engine.Devices().front()->Admitted().TotalNs() == 0;
        });
    };
    uint64_t before_bytes = 0;
    ASSERT_TRUE(await_memory(before_bytes));
    device_->FailToShare();
    client.Send(Params(Direct::kAuto));
    const auto refused = client.Receive<wire::Refused>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, ENOMEM);
    uint64_t after_bytes = 0;
    EXPECT_TRUE(await_memory(after_bytes)) << "it is on the device";
    EXPECT_EQ(after_bytes, before_bytes);
    EXPECT_FALSE(client.SetParams(Direct::kNever)) << "the next is granted";
}

TEST_F(DirectTest, GrantsNoMoreThanAFewToAClientThatDoesNotRead) {
    constexpr int kRequests = 50;
    PoolClient client = Client();
    for (int i = 0; i < kRequests; ++i)
        client.Send(Params(Direct::kAuto));
    // The server has answered them all, and nothing was read.
    ASSERT_TRUE(server_->Await([](const auto& parts) {
        return std::ranges::any_of(parts.engine.Records(), [](const auto& record) {
            return record.stream_id == kRequests;
        });
    }));
    int grants = 0;
    for (int answers = 0; answers < kRequests;) {
        const auto message = client.ReceiveAny();
        ASSERT_FALSE(message.empty());
        if (client.Is<wire::DirectGrant>(message)) ++grants;
        if (client.Is<wire::ParamsSet>(message)) ++answers;
    }
    EXPECT_TRUE(client.SetParams(Direct::kAuto)) << "it reads again";
    EXPECT_LE(grants, 4);
}

TEST_F(DirectTest, AWakeThatFindsAnswersNotReadComesAfterThem) {
    constexpr int kRequests = 1000;
    PoolClient client = Client();
    client.SetParams(Direct::kNever);
    for (int i = 0; i < kRequests; ++i)
        client.Send(wire::MakeMessage<wire::SetGain>(1));
    client.Arm();
    client.Start();
    while (!client.IsWoken())
        server_->Clock().AdvanceAndSettle(10 * kNsPerMs);
    // After it the loop has had many turns.
    client.Send(wire::MakeMessage<wire::SetGain>(2));
    int answers = 0;
    while (const auto set = client.Receive<wire::GainSet>()) {
        ++answers;
        if (set->header.serial == 2) break;
    }
    EXPECT_EQ(answers, kRequests + 1);
    EXPECT_TRUE(client.Receive<wire::Wake>());
}

TEST_F(DirectTest, GrantsNothingThatIsNotWished) {
    PoolClient client = Client();
    EXPECT_FALSE(client.SetParams(Direct::kNever));
    EXPECT_TRUE(AwaitGrants(false));
    EXPECT_EQ(Note(), "not requested");
}

TEST_F(DirectTest, SaysWhyAStreamCannotHaveTheRing) {
    auto other_rate = Params(Direct::kAuto);
    other_rate.rate_hz = 44100;
    auto long_buffer = Params(Direct::kAuto);
    long_buffer.buffer_frames = RingDevice::kRingFrames - RingDevice::kAheadFrames + 1;
    long_buffer.ring_bytes = uint64_t{long_buffer.buffer_frames} * 4;
    auto swapped = Params(Direct::kAuto);
    swapped.channel_map[0] = 4;  // SND_CHMAP_FR
    swapped.channel_map[1] = 3;  // SND_CHMAP_FL
    for (const auto& [params, why] :
         {std::pair{other_rate, "its format, rate or channels are not the device's"},
          {swapped, "its format, rate or channels are not the device's"},
          {long_buffer, "its buffer is longer than the card's"},
          {Params(Direct::kAuto, Transport::kSocket),
           "its frames come over the socket"}}) {
        PoolClient client = Client();
        EXPECT_FALSE(client.SetParams(params)) << why;
        EXPECT_EQ(Note(), why);
    }
    EXPECT_TRUE(AwaitGrants(false));
}

TEST_F(DirectTest, GrantsABufferThatJustFits) {
    auto params = Params(Direct::kAuto);
    params.buffer_frames = RingDevice::kRingFrames - RingDevice::kAheadFrames;
    params.ring_bytes = uint64_t{params.buffer_frames} * 4;
    PoolClient client = Client();
    EXPECT_TRUE(client.SetParams(params));
}

TEST_F(DirectTest, GrantsNothingToWhoRecords) {
    PoolClient client{server_->Path(), wire::Direction::kCapture};
    auto params = Params(Direct::kAuto);
    params.ring_offset = params.ring_bytes = 0;
    EXPECT_FALSE(client.SetParams(params));
    EXPECT_EQ(Note(), "it records");
}

TEST_F(DirectTest, GrantsNothingToAStreamWithAGain) {
    PoolClient client = Client();
    auto gain = wire::MakeMessage<wire::SetGain>();
    gain.gain_milli = 500;
    client.Send(gain);
    EXPECT_TRUE(client.Receive<wire::GainSet>());
    EXPECT_FALSE(client.SetParams(Direct::kAuto));
    EXPECT_EQ(Note(), "it has a gain");
}

TEST_F(DirectTest, RefusesWhoRequiresWhatCannotBe) {
    PoolClient client = Client();
    client.Send(Params(Direct::kRequire, Transport::kSocket));
    EXPECT_EQ(client.Receive<wire::Refused>()->error, EOPNOTSUPP);
    auto params = Params(Direct::kRequire);
    params.rate_hz = 44100;
    client.Send(params);
    const auto refused = client.Receive<wire::Refused>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, EOPNOTSUPP);
    EXPECT_THAT(
        std::string{*wire::FindText(refused->reason)},
        HasSubstr("no direct mode: its format, rate or channels are not the device's"));
    EXPECT_TRUE(client.SetParams(Direct::kRequire)) << "it may try something else";
}

TEST_F(DirectTest, RefusesAWishThatThereIsNot) {
    PoolClient client = Client();
    auto params = Params(Direct::kAuto);
    params.direct = 3;
    client.Send(params);
    const auto refused = client.Receive<wire::Refused>();
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->error, EINVAL);
}

TEST_F(DirectTest, ForgetsTheGrantOfWhoReturnsItUnasked) {
    PoolClient client = Client();
    client.SetParams(Direct::kAuto);
    client.Return(1);
    EXPECT_TRUE(AwaitGrants(false));
    EXPECT_TRUE(client.Sync());
}

TEST_F(DirectTest, CountsTheGrantsOfOthersWhenOneReturnsHisTwice) {
    PoolClient other = Client();
    ASSERT_TRUE(other.SetParams(Direct::kAuto));
    PoolClient client = Client();
    ASSERT_TRUE(client.SetParams(Direct::kAuto));
    for (int time = 0; time < 3; ++time)
        client.Return(1);
    EXPECT_TRUE(client.Sync());
    EXPECT_TRUE(AwaitGrants(true));
    other.Return(1);
    EXPECT_TRUE(AwaitGrants(false));
}

TEST_F(DirectTest, TakesNoHeedOfAnotherGrantsNumber) {
    PoolClient client = Client();
    client.SetParams(Direct::kAuto);
    for (const uint32_t number : {0U, 2U, UINT32_MAX})
        client.Return(number);
    EXPECT_TRUE(client.Sync());
    EXPECT_TRUE(AwaitGrants(true));
}

TEST_F(DirectTest, TakesNoHeedOfAReturnOfWhatNobodyGranted) {
    PoolClient client = Client();
    client.Return(0);
    EXPECT_TRUE(client.Sync());
    EXPECT_TRUE(client.SetParams(Direct::kAuto));
}

TEST_F(DirectTest, DropsAReturnWithAReservedFieldThatIsNotZero) {
    PoolClient client = Client();
    auto returned = wire::MakeMessage<wire::DirectReturned>();
    returned.reserved = 1;
    client.Send(returned);
    EXPECT_TRUE(client.AwaitEnd());
    EXPECT_TRUE(server_->AwaitLog("malformed message of type 21"));
}

TEST_F(DirectTest, RefusesTheServersOwnMessages) {
    PoolClient client = Client();
    client.Send(wire::MakeMessage<wire::DirectGrant>());
    EXPECT_EQ(client.Receive<wire::Refused>()->error, ENOSYS);
    client.Send(wire::MakeMessage<wire::DirectRecall>());
    EXPECT_EQ(client.Receive<wire::Refused>()->error, ENOSYS);
}

TEST_F(DirectTest, ForgetsTheGrantWithTheParameters) {
    PoolClient client = Client();
    client.SetParams(Direct::kAuto);
    EXPECT_TRUE(AwaitGrants(true));
    client.Send(wire::MakeMessage<wire::FreeParams>());
    EXPECT_TRUE(client.Receive<wire::ParamsFreed>());
    EXPECT_TRUE(AwaitGrants(false));
    EXPECT_EQ(client.SetParams(Direct::kAuto)->grant, 2U);
    EXPECT_TRUE(AwaitGrants(true));
    client.Return(1);
    EXPECT_TRUE(client.Sync());
    EXPECT_TRUE(AwaitGrants(true)) << "that was the number of the first";
}

TEST_F(DirectTest, ForgetsTheGrantOfWhoIsGone) {
    {
        PoolClient client = Client();
        client.SetParams(Direct::kAuto);
        EXPECT_TRUE(AwaitGrants(true));
    }
    EXPECT_TRUE(AwaitGrants(false));
}

TEST_F(DirectTest, RecallsAtOnceWhatNobodyHas) {
    Recall();
    EXPECT_TRUE(AwaitRecalled());
}

TEST_F(DirectTest, RecallsTheRingOfAllThatHaveIt) {
    PoolClient one = Client();
    one.SetParams(Direct::kAuto);
    PoolClient other = Client();
    other.SetParams(Direct::kAuto);
    Recall();
    EXPECT_EQ(one.Receive<wire::DirectRecall>()->grant, 1U);
    EXPECT_EQ(other.Receive<wire::DirectRecall>()->grant, 1U);
    one.Return(1);
    EXPECT_TRUE(one.Sync());
    EXPECT_FALSE(is_over_);
    other.Return(1);
    EXPECT_TRUE(AwaitRecalled());
}

TEST_F(DirectTest, RecallsTheRingOfAClientThatEnds) {
    {
        PoolClient client = Client();
        client.SetParams(Direct::kAuto);
        Recall();
        EXPECT_TRUE(client.Receive<wire::DirectRecall>());
        EXPECT_FALSE(is_over_);
    }
    EXPECT_TRUE(AwaitRecalled());
}

TEST_F(DirectTest, GrantsNothingWhileItIsRecalled) {
    PoolClient client = Client();
    client.SetParams(Direct::kAuto);
    Recall();
    EXPECT_TRUE(client.Receive<wire::DirectRecall>());
    PoolClient late = Client();
    EXPECT_FALSE(late.SetParams(Direct::kAuto));
    EXPECT_THAT(Note(), HasSubstr("about to change"));
    client.Return(1);
    EXPECT_TRUE(AwaitRecalled());
    Exchange();
    EXPECT_TRUE(late.Receive<wire::DirectGrant>()) << "now that it has changed";
}

TEST_F(DirectTest, GrantsTheRingOfTheNextDevice) {
    PoolClient client = Client();
    client.SetParams(Direct::kAuto);
    Exchange();
    EXPECT_EQ(client.Receive<wire::DirectRecall>()->grant, 1U);
    EXPECT_EQ(client.Receive<wire::DirectGrant>()->grant, 2U);
    client.Return(1);
    EXPECT_TRUE(client.Sync());
    EXPECT_TRUE(AwaitGrants(true)) << "it has answered the recall of the first";
    client.Return(2);
    EXPECT_TRUE(AwaitGrants(false));
}

/** The loop's timers are real, and the server's clock is behind: they go off at once. */
class DirectTimeoutTest : public DirectTest {
  protected:
    DirectTimeoutTest() : DirectTest{-ServerThread::kFarAhead} {}
};

TEST_F(DirectTimeoutTest, GoesOnWithoutAClientThatKeepsTheRing) {
    PoolClient client = Client();
    client.SetParams(Direct::kAuto);
    Recall();
    EXPECT_TRUE(client.Receive<wire::DirectRecall>());
    EXPECT_TRUE(AwaitRecalled());
    EXPECT_TRUE(server_->AwaitLog("a client keeps the card's ring"));
    client.Return(1);
    EXPECT_TRUE(client.Sync()) << "late, and no fault";
}

/** The audio runs: time is the test's. */
class DirectPlayTest : public DirectTest {
  protected:
    void Advance(int64_t ms) { server_->Clock().AdvanceAndSettle(ms * kNsPerMs); }

    /** Start, and wait until the server says where in the ring its next frame goes. */
    void StartDirect(PoolClient& client) {
        Advance(0);
        client.Start();
        test::YieldUntil([&] { return client.Place().offset.has_value(); });
        Advance(0);
    }

    static void Write(client::Stream& stream, std::span<const std::byte> frames) {
        const auto count = static_cast<uint32_t>(frames.size() / 4);
        const auto runs = stream.WriteRuns(count);
        std::ranges::copy(frames.first(runs.first.size()), runs.first.begin());
        std::ranges::copy(frames.subspan(runs.first.size()), runs.second.begin());
        EXPECT_EQ(stream.Commit(count), count);
    }

    /** Until the device has been given so many frames of the newest stream. */
    void AwaitFrames(uint64_t frames) const {
        EXPECT_TRUE(server_->Await([=](const auto& parts) {
            return parts.engine.Records().back().counters->frames >= frames;
        }));
    }

    [[nodiscard]] std::vector<int16_t> Played() const {
        return render::Samples(device_->Played());
    }
};

/** Two whole buffers of one value in the pool, or the card's ring. */
void Fill(std::span<std::byte> ring, int16_t value) {
    const auto level = render::Level(value, static_cast<uint32_t>(ring.size() / 4));
    std::ranges::copy(level, ring.begin());
}

TEST_F(DirectPlayTest, PlaysWhatLiesInTheRingIfTheClientSaysSo) {
    PoolClient client = Client();
    ASSERT_TRUE(client.SetParams(Direct::kAuto));
    StartDirect(client);
    Fill(client.PoolRing(), 1);
    Fill(client.CardRing(), 2);
    client.Block().direct_from = 0;
    client.Block().direct_used = client.Place().serial;
    client.Block().written_frames = kBufferFrames;
    Advance(50);
    EXPECT_TRUE(std::ranges::count(Played(), 2) > 0);
    EXPECT_TRUE(std::ranges::count(Played(), 1) == 0);
}

/** Whatever else it says, it is its pool that is played, or nothing. */
TEST_F(DirectPlayTest, PlaysFromThePoolWhenTheWordsAreNotRight) {
    PoolClient client = Client();
    ASSERT_TRUE(client.SetParams(Direct::kAuto));
    StartDirect(client);
    Fill(client.PoolRing(), 1);
    Fill(client.CardRing(), 2);
    const uint64_t serial = client.Place().serial;
    uint64_t written = kBufferFrames;
    for (const auto& [used, from] : {std::pair<uint64_t, uint64_t>{0, 0},
                                     {serial + 1, 0},
                                     {serial - 1, 0},
                                     {serial | 1ULL << 32, 0},
                                     {UINT64_MAX, 0},
                                     {serial, UINT64_MAX},
                                     {serial, 1ULL << 62}}) {
        client.Block().direct_from = from;
        client.Block().direct_used = used;
        client.Block().written_frames = written;
        Advance(20);
        written += 960;
        EXPECT_EQ(std::ranges::count(Played(), 2), 0) << used << " " << from;
    }
    EXPECT_GT(std::ranges::count(Played(), 1), 0);
    EXPECT_TRUE(client.Sync());
}

TEST_F(DirectPlayTest, DropsAWriterThatClaimsMoreThanItsBufferThroughTheRing) {
    PoolClient client = Client();
    ASSERT_TRUE(client.SetParams(Direct::kAuto));
    StartDirect(client);
    client.Block().direct_used = client.Place().serial;
    client.Block().written_frames = 2 * kBufferFrames + 1;
    Advance(20);
    EXPECT_TRUE(client.AwaitEnd());
    EXPECT_TRUE(server_->AwaitLog("impossible value in the word written"));
    EXPECT_TRUE(AwaitGrants(false));
}

/** After it has been asked for the ring, its words count for nothing. */
TEST_F(DirectPlayTest, PlaysFromThePoolOfWhoGoesOnAfterARecall) {
    PoolClient client = Client();
    ASSERT_TRUE(client.SetParams(Direct::kAuto));
    StartDirect(client);
    Recall();
    EXPECT_TRUE(client.Receive<wire::DirectRecall>());
    const uint64_t serial = client.Place().serial;
    Fill(client.PoolRing(), 1);
    Fill(client.CardRing(), 2);
    client.Block().direct_from = 0;
    client.Block().direct_used = serial;
    client.Block().written_frames = kBufferFrames;
    Advance(50);
    EXPECT_EQ(std::ranges::count(Played(), 2), 0);
    EXPECT_GT(std::ranges::count(Played(), 1), 0);
}

/** A second stream: what the first has in the ring, right or wrong, is rendered over. */
TEST_F(DirectPlayTest, MixesFromThePoolsWhenAnotherJoins) {
    PoolClient liar = Client();
    ASSERT_TRUE(liar.SetParams(Direct::kAuto));
    StartDirect(liar);
    Fill(liar.PoolRing(), 1);
    Fill(liar.CardRing(), 2);
    liar.Block().direct_used = liar.Place().serial;
    liar.Block().written_frames = kBufferFrames;
    Advance(10);
    PoolClient other = Client();
    other.SetParams(Direct::kNever);
    Fill(other.PoolRing(), 100);
    other.Block().written_frames = kBufferFrames;
    other.Start();
    EXPECT_TRUE(other.Sync());
    Advance(50);
    const auto played = Played();
    const auto joined = std::ranges::find(played, 101);
    ASSERT_NE(joined, played.end());
    EXPECT_EQ(std::ranges::count(joined, played.end(), 2), 0);
    EXPECT_EQ(std::ranges::count(played, 102), 0);
}

/** It may have written there at any time, and not only while it played. */
TEST_F(DirectPlayTest, SilencesTheRingThatAStoppedClientLeaves) {
    PoolClient client = Client();
    ASSERT_TRUE(client.SetParams(Direct::kAuto));
    Fill(client.CardRing(), 2);
    client.Send(wire::MakeMessage<wire::FreeParams>());
    EXPECT_TRUE(client.Receive<wire::ParamsFreed>());
    Advance(0);
    EXPECT_THAT(client.CardRing(), ::testing::Each(std::byte{0}));
}

TEST_F(DirectPlayTest, SilencesTheRingThatIsReturned) {
    PoolClient client = Client();
    ASSERT_TRUE(client.SetParams(Direct::kAuto));
    Fill(client.CardRing(), 2);
    client.Return(1);
    EXPECT_TRUE(client.Sync());
    Advance(0);
    EXPECT_THAT(client.CardRing(), ::testing::Each(std::byte{0}));
}

TEST_F(DirectPlayTest, LosesNothingOfWhoPlaysWhenAnotherReturnsTheRing) {
    PoolClient other = Client();
    ASSERT_TRUE(other.SetParams(Direct::kAuto));
    PoolClient client = Client();
    ASSERT_TRUE(client.SetParams(Direct::kAuto));
    StartDirect(client);
    Fill(client.PoolRing(), 1);
    Fill(client.CardRing(), 2);
    client.Block().direct_used = client.Place().serial;
    client.Block().written_frames = kBufferFrames;
    Advance(20);
    other.Return(1);
    EXPECT_TRUE(other.Sync());
    Advance(50);
    const auto played = Played();
    const auto begin = std::ranges::find(played, 2);
    ASSERT_NE(begin, played.end());
    EXPECT_EQ(std::count(begin, played.end(), 0), 0);
}

/** The client's own side of it, with an ordinary stream. */
TEST_F(DirectPlayTest, AStreamThatMayHaveItPlaysBitForBitThroughTheRing) {
    client::Connection::Options options;
    options.is_card = [](int) noexcept { return true; };  // it is a memfd
    options.server = server_->Path();
    client::Stream stream{options};
    client::Stream::Params params;
    params.format = static_cast<uint8_t>(audio::SampleFormat::kS16Le);
    params.rate_hz = 48000;
    params.channels = 2;
    params.frame_bytes = 4;
    params.period_frames = 480;
    params.buffer_frames = 24000;
    params.direct = Direct::kRequire;
    stream.SetParams(params);
    stream.SetThresholds(480, 24000);
    Advance(0);
    const auto ramp = render::Ramp(1, 20000);
    Write(stream, std::span{ramp}.first(size_t{4800} * 4));
    EXPECT_EQ(stream.Start(), 0);
    // It may write into the ring when the server has seen that it plays, and is alone.
    AwaitFrames(480);
    Advance(20);
    Write(stream, std::span{ramp}.subspan(size_t{4800} * 4));
    Advance(380);
    const auto& played = device_->Played();
    EXPECT_NE(
        std::search(played.begin(), played.end(), ramp.begin(), ramp.begin() + 72000),
        played.end());
    server_->Await([](const auto& parts) {
        EXPECT_GT(parts.engine.Records().back().counters->direct_frames, 9600U);
        return true;
    });
}

}  // namespace
}  // namespace shmd::session
