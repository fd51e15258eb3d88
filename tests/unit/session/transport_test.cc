// A whole server in this process, and client::Stream in front of it, over both
// transports.

#include "client/stream.h"
#include "tests/support/fd_checked_test.h"
#include "tests/support/run_together.h"
#include "tests/unit/render/stage.h"
#include "tests/unit/session/server_thread.h"

#include <poll.h>
#include <algorithm>

namespace shmd::session {
namespace {

using base::kNsPerMs;
using client::Stream;
using render::Ramp;
using render::TapDevice;
using wire::Direction;

constexpr uint32_t kBufferFrames = 24000;

bool Contains(const std::vector<std::byte>& all, const std::vector<std::byte>& part) {
    return std::search(all.begin(), all.end(), part.begin(), part.end()) != all.end();
}

enum class Kind { kMemfd, kSocket };

class Transport : public test::FdCheckedTest, public ::testing::WithParamInterface<Kind> {
  protected:
    Transport() {
        auto device = std::make_unique<TapDevice>(device::DeviceSpec{});
        tap_ = device.get();
        server_ = std::make_unique<ServerThread>(
            std::move(device),
            ServerThread::Options{.use_memfd = GetParam() == Kind::kMemfd});
        server_->Await([this](const auto& parts) {
            counters_ = &parts.engine.Devices().front()->Count();
            return true;
        });
    }

    [[nodiscard]] std::unique_ptr<Stream> Open(Direction direction) const {
        client::Connection::Options options;
        options.server = server_->Path();
        options.direction = direction;
        auto stream = std::make_unique<Stream>(options);
        Stream::Params params;
        params.format = static_cast<uint8_t>(audio::SampleFormat::kS16Le);
        params.rate_hz = 48000;
        params.channels = 2;
        params.frame_bytes = 4;
        params.period_frames = 480;
        params.buffer_frames = kBufferFrames;
        stream->SetParams(params);
        stream->SetThresholds(480, kBufferFrames);
        return stream;
    }

    static void Write(Stream& stream, std::span<const std::byte> frames) {
        const auto count = static_cast<uint32_t>(frames.size() / 4);
        const auto runs = stream.WriteRuns(count);
        std::ranges::copy(frames.first(runs.first.size()), runs.first.begin());
        std::ranges::copy(frames.subspan(runs.first.size()), runs.second.begin());
        EXPECT_EQ(stream.Commit(count), count);
    }

    static std::vector<std::byte> Read(Stream& stream, uint32_t frames) {
        const auto runs = stream.ReadRuns(frames);
        std::vector<std::byte> bytes{runs.first.begin(), runs.first.end()};
        bytes.insert(bytes.end(), runs.second.begin(), runs.second.end());
        stream.Commit(frames);
        return bytes;
    }

    /** Give the first command, and wait until the device runs. */
    template <typename Command>
    void Begin(Command command) {
        Advance(0);
        const uint64_t cycles = counters_->cycles;
        EXPECT_EQ(command(), 0);
        test::YieldUntil([&] { return counters_->cycles > cycles; });
    }

    /**
     * Move time on by cycles until the stream's drain is over. In each the loop has a
     * turn, as it has in real time: a ring that only the loop empties does not run over.
     */
    template <typename EachCycle>
    void AdvanceUntilStopped(Stream& stream, EachCycle each_cycle) {
        test::YieldUntil([&] {
            AdvanceOneCycle();
            each_cycle();
            const int64_t now_ns = server_->Clock().NowNs();
            return stream.UpdateReadiness(now_ns).state == Stream::State::kStopped;
        });
    }

    /** Wait until the server has something to say. */
    static bool AwaitReadable(Stream& stream) {
        pollfd readable{stream.PollFd(), POLLIN, 0};
        return ::poll(&readable, 1, 10'000) == 1;
    }

    Stream::Snapshot Look(Stream& stream) {
        return stream.Look(server_->Clock().NowNs());
    }

    /** As an application that polls, until `condition` holds of what it sees. */
    template <typename Condition>
    bool PollUntil(Stream& stream, Condition condition) {
        const int64_t now_ns = server_->Clock().NowNs();
        bool was_polled = false;
        while (!condition(stream.UpdateReadiness(now_ns, was_polled))) {
            was_polled = AwaitReadable(stream);
            if (!was_polled) return false;
        }
        return true;
    }

    void AdvanceOneCycle() {
        Advance(10);
        EXPECT_TRUE(server_->Await([](const auto&) { return true; }));
    }

    void Advance(int64_t ms) { server_->Clock().AdvanceAndSettle(ms * kNsPerMs); }

    TapDevice* tap_;
    const render::Counters* counters_ = nullptr;
    std::unique_ptr<ServerThread> server_;
};

INSTANTIATE_TEST_SUITE_P(Over, Transport, ::testing::Values(Kind::kMemfd, Kind::kSocket),
                         [](const auto& kind) {
                             return kind.param == Kind::kMemfd ? "Memfd" : "Socket";
                         });

TEST_P(Transport, PlaysARampBitForBit) {
    const auto ramp = Ramp(-10000, 20000);
    const auto stream = Open(Direction::kPlayback);
    Write(*stream, ramp);
    Begin([&] { return stream->Drain(); });
    Advance(500);
    ASSERT_GE(tap_->Played().size(), ramp.size());
    EXPECT_TRUE(std::ranges::equal(std::span{tap_->Played()}.first(ramp.size()), ramp));
}

TEST_P(Transport, TellsTheApplicationWhenADrainIsOver) {
    const auto stream = Open(Direction::kPlayback);
    Write(*stream, Ramp(1, 4800));
    Begin([&] { return stream->Drain(); });
    Advance(200);
    ASSERT_TRUE(PollUntil(*stream, [](const auto& snapshot) {
        return snapshot.state == Stream::State::kStopped;
    }));
    EXPECT_EQ(Look(*stream).hw_frames, 4800U);
}

TEST_P(Transport, TellsAnApplicationThatWritesTooLateOfItsUnderrun) {
    const auto stream = Open(Direction::kPlayback);
    Write(*stream, Ramp(1, 4800));
    Begin([&] { return stream->Start(); });
    Advance(200);
    EXPECT_TRUE(PollUntil(*stream, [&](const auto& snapshot) {
        if (snapshot.state == Stream::State::kXrun) return true;
        if (stream->IsReady(snapshot)) Write(*stream, Ramp(1, 480));
        return false;
    }));
}

TEST_P(Transport, HasTheDevicesPosition) {
    const auto stream = Open(Direction::kPlayback);
    Write(*stream, Ramp(1, 20000));
    Begin([&] { return stream->Start(); });
    Advance(95);
    EXPECT_TRUE(PollUntil(*stream, [](const auto& s) { return s.hw_frames >= 4560; }));
    EXPECT_EQ(Look(*stream).hw_frames, 4560U);
}

TEST_P(Transport, RecordsWhatIsPlayed) {
    const auto ramp = Ramp(-10000, 20000);
    const auto recorder = Open(Direction::kCapture);
    const auto player = Open(Direction::kPlayback);
    Begin([&] { return recorder->Start(); });
    Write(*player, ramp);
    EXPECT_EQ(player->Drain(), 0);
    std::vector<std::byte> recorded;
    const auto record = [&] {
        const auto avail = recorder->Avail(Look(*recorder).hw_frames);
        const auto bytes = Read(*recorder, static_cast<uint32_t>(avail));
        recorded.insert(recorded.end(), bytes.begin(), bytes.end());
        recorder->UpdateReadiness(server_->Clock().NowNs());
    };
    AdvanceUntilStopped(*player, record);
    // Over the socket the last frames come a few cycles later.
    for (int cycles = 0; cycles < 100 && !Contains(recorded, ramp); ++cycles) {
        AdvanceOneCycle();
        record();
    }
    EXPECT_TRUE(Contains(recorded, ramp));
    EXPECT_TRUE(
        std::ranges::equal(recorded, std::span{tap_->Played()}.first(recorded.size())));
}

TEST_P(Transport, PlaysAgainAfterADropAndNewParameters) {
    const auto stream = Open(Direction::kPlayback);
    Write(*stream, Ramp(1, 4800));
    Begin([&] { return stream->Start(); });
    Advance(20);
    stream->FreeParams();
    Stream::Params params;
    params.format = static_cast<uint8_t>(audio::SampleFormat::kS16Le);
    params.rate_hz = 48000;
    params.channels = 2;
    params.frame_bytes = 4;
    params.period_frames = 240;
    params.buffer_frames = 9600;
    stream->SetParams(params);
    stream->SetThresholds(240, 9600);
    const auto ramp = Ramp(-4800, 9600);
    Write(*stream, ramp);
    EXPECT_EQ(stream->Drain(), 0);
    AdvanceUntilStopped(*stream, [] {});
    EXPECT_TRUE(Contains(tap_->Played(), ramp));
}

TEST_P(Transport, PlaysOnWhenItsServerIsLateAndItIsNot) {
    const auto stream = Open(Direction::kPlayback);
    auto ramp = Ramp(-12000, kBufferFrames);
    Write(*stream, ramp);
    Begin([&] { return stream->Start(); });
    Advance(20);
    ASSERT_TRUE(PollUntil(*stream, [](const auto& s) { return s.hw_frames > 0; }));
    const int64_t ahead_ns = server_->Clock().NowNs() + 600 * kNsPerMs;
    for (int16_t level = 1; level <= 3; ++level) {
        const auto avail =
            static_cast<uint32_t>(stream->Avail(stream->Look(ahead_ns).hw_frames));
        const auto frames = render::Level(level, avail);
        Write(*stream, frames);
        ramp.insert(ramp.end(), frames.begin(), frames.end());
    }
    EXPECT_EQ(stream->Drain(), 0);
    AdvanceUntilStopped(*stream, [] {});
    EXPECT_TRUE(Contains(tap_->Played(), ramp));
}

TEST_P(Transport, TellsTheApplicationThatTheServerIsGone) {
    const auto stream = Open(Direction::kPlayback);
    Write(*stream, Ramp(1, 4800));
    Begin([&] { return stream->Start(); });
    const int64_t now_ns = server_->Clock().NowNs();
    server_.reset();
    ASSERT_TRUE(AwaitReadable(*stream));
    auto state = Stream::State::kRunning;
    for (int64_t ms = 0; ms <= 600 && state != Stream::State::kGone; ms += 100)
        state = stream->UpdateReadiness(now_ns + ms * kNsPerMs, true).state;
    EXPECT_EQ(state, Stream::State::kGone);
}

}  // namespace
}  // namespace shmd::session
