#include "tests/unit/render/fake_client.h"

#include "audio/channel_map.h"

#include <algorithm>
#include <cstring>

namespace shmd::render {

namespace {

constexpr uint16_t kGeneration = 3;

}  // namespace

struct FakeClient::Memory {
    wire::ClientBlock client_block{};
    wire::ServerBlock server_block{};
    std::vector<std::byte> ring;
};

FakeClient::FakeClient(uint64_t stream_id, const Options& options)
    : options_{options},
      stream_id_{stream_id},
      memory_{std::make_shared<Memory>()},
      counters_{std::make_shared<StreamCounters>()},
      mailbox_{std::make_shared<Mailbox>()},
      command_{0, kGeneration, wire::Wanted::kStopped},
      start_{options.first_frame},
      written_{options.first_frame} {
    memory_->ring.resize(size_t{options.format.FrameBytes()} * options.buffer_frames);
    SetAvailMin(options.period_frames);
    SetStopThreshold(options.buffer_frames);
    Words().written_frames = written_;
}

FakeClient::FakeClient(FakeClient&&) noexcept = default;
FakeClient::~FakeClient() = default;

StreamSetup FakeClient::Setup() const {
    StreamSetup setup;
    setup.stream_id = stream_id_;
    setup.format = options_.format;
    setup.channel_map = audio::DefaultChannelMap(options_.format.channels);
    setup.period_frames = options_.period_frames;
    setup.buffer_frames = options_.buffer_frames;
    setup.generation = kGeneration;
    setup.gain = options_.gain;
    setup.client_block = &memory_->client_block;
    setup.server_block = &memory_->server_block;
    if (options_.is_capture)
        setup.capture_ring = memory_->ring;
    else
        setup.playback_ring = memory_->ring;
    setup.is_over_socket = options_.is_over_socket;
    setup.memory = memory_;
    setup.counters = counters_;
    setup.mailbox = mailbox_;
    return setup;
}

wire::ClientBlock& FakeClient::Words() {
    return memory_->client_block;
}

void FakeClient::Command(wire::Wanted wanted, bool is_new_epoch) {
    if (is_new_epoch) {
        ++command_.epoch;
        Words().start_frames = start_;
    }
    command_.wanted = wanted;
    Words().command = command_.Pack();
}

void FakeClient::SeekTo(uint64_t frame) {
    start_ = frame;
    written_ = frame;
    Words().written_frames = frame;
}

void FakeClient::Write(std::span<const std::byte> frames) {
    const uint32_t frame_bytes = options_.format.FrameBytes();
    shm::RingWriter writer{{memory_->ring, frame_bytes, options_.buffer_frames},
                           Words().written_frames};
    const auto count = static_cast<uint32_t>(frames.size() / frame_bytes);
    const auto runs = writer.Runs(written_, count);
    std::ranges::copy(frames.first(runs.first.size()), runs.first.begin());
    std::ranges::copy(frames.subspan(runs.first.size()), runs.second.begin());
    written_ += count;
    writer.Publish(written_);
}

size_t FakeClient::Feed(std::span<const std::byte> frames) {
    const bool is_acted =
        wire::Command::SameEpoch(Position().acted, Words().command.load());
    const uint64_t played = is_acted ? Position().frames : start_;
    const uint64_t room = options_.buffer_frames - (written_ - played);
    const size_t bytes =
        std::min(frames.size(), size_t{room} * options_.format.FrameBytes());
    Write(frames.first(bytes));
    return bytes;
}

std::vector<std::byte> FakeClient::Read() {
    const auto frames = static_cast<uint32_t>(Position().limit_frames - written_);
    const shm::RingArea<const std::byte> area{memory_->ring, options_.format.FrameBytes(),
                                              options_.buffer_frames};
    const auto runs = area.Runs(written_, frames);
    std::vector<std::byte> bytes{runs.first.begin(), runs.first.end()};
    bytes.insert(bytes.end(), runs.second.begin(), runs.second.end());
    written_ += frames;
    Words().written_frames = written_;
    return bytes;
}

shm::Position FakeClient::Position() const {
    return shm::ReadPosition(memory_->server_block).value();
}

}  // namespace shmd::render
