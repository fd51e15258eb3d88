// The socket transport, client's end: what a shared pool would carry, as messages.

#include "client/stream.h"

#include <algorithm>
#include <system_error>

namespace shmd::client {

namespace {

// Far more than a card has, and what any address space has room to count.
constexpr uint64_t kMostCardBytes = 1 << 30;

}  // namespace

int Stream::SendWords() noexcept {
    constexpr auto kRelaxed = std::memory_order_relaxed;
    const wire::ClientBlock& block = OwnBlock();
    auto words = wire::MakeMessage<wire::ClientWords>();
    words.written_frames = block.written_frames.load(kRelaxed);
    words.command = block.command.load(kRelaxed);
    words.start_frames = block.start_frames.load(kRelaxed);
    words.armed = block.armed.load(kRelaxed);
    words.avail_min_frames = block.avail_min_frames.load(kRelaxed);
    words.stop_threshold_frames = block.stop_threshold_frames.load(kRelaxed);
    words_are_new_ = false;
    const int error = connection_->Send(wire::BytesOf(words));
    if (error != 0) OnLost();
    return error;
}

uint32_t Stream::SendData(uint32_t frames) noexcept {
    // The server's ring must know of a new start before it gets that start's frames.
    if (words_are_new_ && link_ == Link::kUp) SendWords();
    if (link_ == Link::kLost) return frames;  // Restart() sends them
    const auto most = static_cast<uint32_t>(
        (wire::kMaxMessageBytes - sizeof(wire::Data)) / params_.frame_bytes);
    uint32_t sent = 0;
    while (sent < frames && link_ == Link::kUp) {
        const uint32_t count = std::min({frames - sent, most, params_.buffer_frames});
        const auto run = write_ring_.Runs(appl_ + sent, count).first;
        auto data = wire::MakeMessage<wire::Data>();
        data.header.size_bytes += static_cast<uint32_t>(run.size());
        data.position_frames = appl_ + sent;
        data.frames = static_cast<uint32_t>(run.size() / params_.frame_bytes);
        if (connection_->Send(wire::BytesOf(data), run) != 0)
            OnLost();
        else
            sent += data.frames;
    }
    return sent;
}

void Stream::OnMessage(const wire::MessageHeader& header,
                       std::span<const std::byte> message,
                       std::span<base::UniqueFd> fds) {
    switch (static_cast<wire::MessageType>(header.type)) {
        case wire::MessageType::kWake:
            ++wakes_taken_;
            break;
        case wire::MessageType::kDirectGrant:
            if (const auto grant = wire::FindMessage<wire::DirectGrant>(message))
                OnDirectGrant(*grant, fds);
            break;
        case wire::MessageType::kDirectRecall:
            if (const auto recall = wire::FindMessage<wire::DirectRecall>(message))
                ReturnCard(recall->grant);
            break;
        case wire::MessageType::kServerWords:
            if (!mirror_) break;
            if (const auto words = wire::FindMessage<wire::ServerWords>(message))
                OnWords(*words);
            break;
        case wire::MessageType::kData:
            if (!mirror_) break;
            if (const auto data = wire::FindData(message)) OnData(*data);
            break;
        default:
            break;
    }
}

void Stream::OnDirectGrant(const wire::DirectGrant& grant,
                           std::span<const base::UniqueFd> fds) noexcept {
    const uint64_t bytes = uint64_t{grant.ring_frames} * params_.frame_bytes;
    // The server grants before it answers SetParams, and later, but never without.
    const bool is_wanted = is_playback_ && !over_socket_ &&
                           (is_agreeing_ || has_params_) &&
                           params_.direct != wire::Direct::kNever;
    const bool is_good = is_wanted && !card_ && bytes != 0 && bytes <= kMostCardBytes &&
                         fds.size() == 1 && options_.is_card(fds.front().Get());
    // What is not used is given back: the server hears that this is settled.
    if (!is_good) return ReturnCard(grant.grant);
    try {
        card_.emplace(grant.grant,
                      shm::Mapping::OfFile(fds.front().Get(),
                                           shm::WholePages(static_cast<size_t>(bytes)),
                                           shm::Mapping::Access::kReadWrite),
                      params_.frame_bytes, grant.ring_frames);
    } catch (const std::system_error&) {
        // A security module, or no address space: the pool carries it all.
        card_.reset();
        ReturnCard(grant.grant);
    }
}

/** The server may ask back what could not be mapped here, or was given back already. */
void Stream::ReturnCard(uint32_t grant) noexcept {
    if (card_ && card_->Grant() == grant) {
        OwnBlock().direct_used.store(0, std::memory_order_release);
        card_.reset();
    }
    auto returned = wire::MakeMessage<wire::DirectReturned>();
    returned.grant = grant;
    if (link_ == Link::kUp && connection_->Send(wire::BytesOf(returned)) != 0) OnLost();
}

void Stream::OnWords(const wire::ServerWords& words) noexcept {
    auto& block = *reinterpret_cast<wire::ServerBlock*>(mirror_->Bytes().data());
    shm::WritePosition(block, {.acted = words.acted,
                               .state = static_cast<wire::StreamState>(words.state),
                               .frames = words.position_frames,
                               .time_ns = words.position_ns,
                               .limit_frames = words.limit_frames,
                               .delay_frames = words.delay_frames,
                               .xruns = words.xruns});
    block.woken.store(words.woken, std::memory_order_release);
}

void Stream::OnData(const wire::DataView& view) noexcept {
    // A server may send this at any time, also while there is no ring, or another one
    // than it means: what counts is the ring that is there.
    const uint32_t frames = view.data.frames;
    if (is_playback_ || !over_socket_ || !write_ring_.HasMemory() ||
        frames > write_ring_.BufferFrames() ||
        view.payload.size() != uint64_t{frames} * write_ring_.FrameBytes())
        return;
    const auto runs = write_ring_.Runs(view.data.position_frames, frames);
    std::ranges::copy(view.payload.first(runs.first.size()), runs.first.begin());
    std::ranges::copy(view.payload.subspan(runs.first.size()), runs.second.begin());
}

}  // namespace shmd::client
