// What a stream agrees on with the server before it runs, and the rings that follow.

#include "base/error.h"
#include "client/stream.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace shmd::client {

using wire::Wanted;

namespace {

// alsa-lib reads samples of up to eight bytes where they lie.
constexpr uint64_t kSampleAlignment = 8;

}  // namespace

void Stream::SetParams(const Params& params) {
    // A server may close a connection that was long without parameters, to let others in
    // (0013).
    if (!has_params_ && !IsConnected()) ConnectAnew();
    if (link_ != Link::kUp) base::ThrowError(ENODEV, "the shmd server is gone");
    if (card_) ReturnCard(card_->Grant());
    const Agreed before = Current();
    has_params_ = false;
    params_ = params;
    try {
        AgreeParams();
    } catch (...) {
        if (connection_->IsAlive()) {
            WantNothing();
        } else {
            OnLost();
            BringBack(before);
        }
        throw;
    }
    has_params_ = true;
    Prepare();
}

/** A stream without a ring has nothing that a next server could go on with. */
void Stream::WantNothing() noexcept {
    command_.wanted = Wanted::kStopped;
    is_making_up_ = has_lost_frames_ = false;
}

/** @pre connection_ is the one that it was agreed with */
void Stream::BringBack(const Agreed& agreed) noexcept {
    params_ = agreed.params;
    ring_offset_ = agreed.ring_offset;
    write_ring_ = agreed.write_ring;
    read_ring_ = agreed.read_ring;
    over_socket_ = agreed.over_socket;
    has_params_ = agreed.has_params;
    if (!has_params_ || over_socket_) return;
    // The failed parameters may have given the pools up, and may have moved the own one.
    mirror_.reset();
    PlaceRingInPool();
}

/** Until it returns there is no ring that a server's message could change. */
void Stream::AgreeParams() {
    ForgetRings();
    is_agreeing_ = true;
    try {
        AskForParams();
    } catch (...) {
        is_agreeing_ = false;
        ForgetRings();
        card_.reset();  // the parameters that it was granted for do not hold
        throw;
    }
    is_agreeing_ = false;
    PublishAvailMin();
    if (armed_ == 0) Arm();  // 0 is answered from the beginning, without a wake
}

void Stream::AskForParams() {
    over_socket_ = !connection_->PoolsAreShared(*this);
    // If a limit on locked memory or address space forbids to map the ring in a pool, the
    // payload goes over the socket.
    if (!over_socket_ && is_playback_)
        over_socket_ = !connection_->TryMapOwnPool(wire::kBlockBytes + RingBytes());
    wire::ParamsSet answer = SendParams();
    if (!over_socket_ && !is_playback_ && !TryMapRing(answer)) {
        over_socket_ = true;
        answer = SendParams();
    }
    command_ = {command_.epoch, answer.generation, Wanted::kStopped};
    if (over_socket_) {
        connection_->GiveUpPools();
        UsePrivateMemory();
    } else {
        UseSharedMemory(answer);
    }
}

wire::ParamsSet Stream::SendParams() {
    const Params& params = params_;
    auto request = wire::MakeMessage<wire::SetParams>();
    request.format = params.format;
    request.channels = static_cast<uint8_t>(params.channels);
    request.rate_hz = params.rate_hz;
    request.period_frames = params.period_frames;
    request.buffer_frames = params.buffer_frames;
    std::ranges::copy(params.channel_map, request.channel_map);
    request.transport = static_cast<uint8_t>(over_socket_ ? wire::Transport::kSocket
                                                          : wire::Transport::kMemfd);
    if (is_playback_ && !over_socket_) {
        request.ring_offset = wire::kBlockBytes;
        request.ring_bytes = RingBytes();
    }
    request.direct = static_cast<uint8_t>(
        is_playback_ && !over_socket_ ? params.direct : wire::Direct::kNever);
    return connection_->Ask<wire::ParamsSet>(request, *this);
}

/**
 * Map the server's ring. A ring that lies in no pool at all is detected where it is used.
 * @return false: there is no room, or the server's pool ends before the ring does
 */
bool Stream::TryMapRing(const wire::ParamsSet& answer) noexcept {
    const bool is_in_a_pool = answer.ring_offset <= wire::kPoolBytes &&
                              answer.ring_bytes <= wire::kPoolBytes - answer.ring_offset;
    if (!is_in_a_pool) return true;
    const uint64_t end = answer.ring_offset + answer.ring_bytes;
    return connection_->TryMapServerPool(static_cast<size_t>(end));
}

void Stream::UseSharedMemory(const wire::ParamsSet& answer) {
    ring_offset_ = wire::kBlockBytes;
    if (is_playback_) return PlaceRingInPool();
    const auto ring =
        shm::FindRange(connection_->ServerPool(), answer.ring_offset, answer.ring_bytes);
    const bool is_behind_the_block = answer.ring_offset >= wire::kBlockBytes &&
                                     answer.ring_offset % kSampleAlignment == 0;
    if (!ring || ring->size() != RingBytes() || !is_behind_the_block)
        base::ThrowError(EPROTO, "the capture ring does not lie in the server's pool");
    ring_offset_ = static_cast<size_t>(answer.ring_offset);
    PlaceRingInPool();
}

/** @pre the pool is mapped as far as the ring goes */
void Stream::PlaceRingInPool() noexcept {
    const auto place = [this](auto pool) {
        return shm::RingArea{pool.subspan(ring_offset_, RingBytes()), params_.frame_bytes,
                             params_.buffer_frames};
    };
    if (is_playback_)
        write_ring_ = place(connection_->OwnPool());
    else
        read_ring_ = place(connection_->ServerPool());
}

void Stream::UsePrivateMemory() {
    if (!mirror_) mirror_ = shm::OwnPool::Private(wire::kBlockBytes);
    if (socket_ring_.Bytes().size() < RingBytes())
        socket_ring_ = shm::Mapping::OfNothing(RingBytes());
    const auto ring = socket_ring_.Writable().first(RingBytes());
    write_ring_ = {ring, params_.frame_bytes, params_.buffer_frames};
    read_ring_ = {ring, params_.frame_bytes, params_.buffer_frames};
}

void Stream::FreeParams() {
    Stop();
    has_params_ = false;
    ForgetRings();
    if (link_ != Link::kUp) return;  // a server that is gone has freed everything already
    if (card_) ReturnCard(card_->Grant());
    try {
        connection_->Ask<wire::ParamsFreed>(wire::MakeMessage<wire::FreeParams>(), *this);
    } catch (const std::system_error&) {
        if (connection_->IsAlive()) throw;
        OnLost();
    }
}

}  // namespace shmd::client
