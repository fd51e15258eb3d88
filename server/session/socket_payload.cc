#include "session/socket_payload.h"

#include <algorithm>

namespace shmd::session {

namespace {

/** Captured frames wait in the ring while this much waits in the queue. */
constexpr size_t kQueueMostBytes = wire::kMaxQueuedBytes / 2;

std::vector<std::byte> ToVector(std::span<const std::byte> bytes) {
    return {bytes.begin(), bytes.end()};
}

}  // namespace

SocketPayload::SocketPayload(std::shared_ptr<ConnectionMemory> memory,
                             loop::Sender& sender, const Params& params) noexcept
    : memory_{std::move(memory)}, sender_{sender}, params_{params} {}

const char* SocketPayload::OnData(const wire::DataView& message) noexcept {
    if (params_.is_capture) return "data on a recording stream";
    const wire::Data& data = message.data;
    if (data.frames == 0 || data.frames > params_.buffer_frames ||
        message.payload.size() != size_t{data.frames} * params_.frame_bytes)
        return "data of a wrong size";
    if (data.position_frames > wire::kMaxFrameCount)
        return "data at an impossible position";
    // The client writes over what it knows to be read: what the audio thread has read
    // comes before what it has published.
    [[maybe_unused]] const auto read_before = shm::ReadPosition(memory_->ServerBlock());
    const uint32_t ring_frames = wire::kSocketRingBuffers * params_.buffer_frames;
    const auto ring_bytes = size_t{params_.frame_bytes} * ring_frames;
    shm::RingWriter writer{{memory_->PrivateClientRing().first(ring_bytes),
                            params_.frame_bytes, ring_frames},
                           memory_->PrivateClientBlock().written_frames};
    const auto runs = writer.Runs(data.position_frames, data.frames);
    std::ranges::copy(message.payload.first(runs.first.size()), runs.first.begin());
    std::ranges::copy(message.payload.subspan(runs.first.size()), runs.second.begin());
    writer.Publish(data.position_frames + data.frames);
    return nullptr;
}

bool SocketPayload::OnWords(const wire::ClientWords& words) noexcept {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    wire::ClientBlock& block = memory_->PrivateClientBlock();
    const bool is_new_epoch = !wire::Command::SameEpoch(words.command, command_);
    const bool is_new_wish = words.armed != block.armed.load(kRelaxed);
    const bool must_look = words.command != command_ || (is_new_wish && !IsMoving());
    if (is_new_epoch) sent_frames_ = words.start_frames;
    command_ = words.command;
    block.start_frames.store(words.start_frames, kRelaxed);
    block.avail_min_frames.store(words.avail_min_frames, kRelaxed);
    block.stop_threshold_frames.store(words.stop_threshold_frames, kRelaxed);
    block.written_frames.store(words.written_frames, std::memory_order_release);
    block.armed.store(words.armed, std::memory_order_release);
    block.command.store(words.command, std::memory_order_release);
    return must_look;
}

bool SocketPayload::IsMoving() const noexcept {
    const auto position = shm::ReadPosition(memory_->ServerBlock());
    return position && (position->state == wire::StreamState::kRunning ||
                        position->state == wire::StreamState::kDraining);
}

bool SocketPayload::Flush() {
    // This process writes the block too: a read that fails was merely unlucky this often.
    const auto position = shm::ReadPosition(memory_->ServerBlock());
    if (!position) return true;
    if (params_.is_capture && wire::Command::SameEpoch(position->acted, command_))
        SendFrames(position->limit_frames);
    return SendWords(*position);
}

void SocketPayload::SendFrames(uint64_t end) {
    const auto ring_bytes = size_t{params_.frame_bytes} * params_.buffer_frames;
    const shm::RingArea<const std::byte> ring{memory_->ServerRing().first(ring_bytes),
                                              params_.frame_bytes, params_.buffer_frames};
    const auto most = static_cast<uint32_t>(
        (wire::kMaxMessageBytes - sizeof(wire::Data)) / params_.frame_bytes);
    while (static_cast<int64_t>(end - sent_frames_) > 0 &&
           sender_.QueuedBytes() < kQueueMostBytes) {
        const auto frames = static_cast<uint32_t>(
            std::min<uint64_t>({end - sent_frames_, most, params_.buffer_frames}));
        const auto runs = ring.Runs(sent_frames_, frames);
        auto data = wire::MakeMessage<wire::Data>();
        data.header.size_bytes +=
            static_cast<uint32_t>(runs.first.size() + runs.second.size());
        data.position_frames = sent_frames_;
        data.frames = frames;
        auto message = ToVector(wire::BytesOf(data));
        message.insert(message.end(), runs.first.begin(), runs.first.end());
        message.insert(message.end(), runs.second.begin(), runs.second.end());
        sender_.Send(std::move(message));
        sent_frames_ += frames;
    }
    frames_wait_ = static_cast<int64_t>(end - sent_frames_) > 0;
}

bool SocketPayload::SendWords(const shm::Position& position) {
    auto words = wire::MakeMessage<wire::ServerWords>();
    words.acted = position.acted;
    words.state = static_cast<uint64_t>(position.state);
    words.position_frames = position.frames;
    words.position_ns = position.time_ns;
    words.limit_frames = position.limit_frames;
    words.delay_frames = position.delay_frames;
    words.xruns = position.xruns;
    words.woken = memory_->ServerBlock().woken.load(std::memory_order_acquire);
    if (params_.is_capture) {
        // Not more than the client has: what waits for room follows with the next words.
        words.limit_frames = std::min(words.limit_frames, sent_frames_);
        words.position_frames = std::min(words.position_frames, sent_frames_);
    }
    return sender_.Send(ToVector(wire::BytesOf(words)));
}

}  // namespace shmd::session
