#include "client/stream.h"

#include "base/clock.h"
#include "base/error.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace shmd::client {

using wire::Direction;
using wire::StreamState;
using wire::Wanted;

namespace {

// The server publishes every cycle, tens of milliseconds at most. When it was silent for
// this long it is asked for, and again after as long.
constexpr int64_t kSilenceNs = 250 * base::kNsPerMs;
// More than any socket holds; one that is filled as fast as it is read is left for now.
constexpr int kMostMessagesALook = 1024;

}  // namespace

Stream::Stream(const Connection::Options& options, int64_t patience_ns)
    : is_playback_{options.direction == Direction::kPlayback},
      options_{options},
      patience_ns_{patience_ns},
      connection_{std::make_unique<Connection>(options)},
      device_{TrustedFormat(connection_->Opened())},
      readiness_{connection_->Socket()} {
    MakeMirror();
}

/** There is always a block to look at, even before the transport is known. */
void Stream::MakeMirror() {
    if (!mirror_ && connection_->ServerPool().empty())
        mirror_ = shm::OwnPool::Private(wire::kBlockBytes);
}

wire::ClientBlock& Stream::OwnBlock() const noexcept {
    return *reinterpret_cast<wire::ClientBlock*>(connection_->OwnPool().data());
}

const wire::ServerBlock& Stream::PeerBlock() const noexcept {
    const std::byte* pool =
        mirror_ ? mirror_->Bytes().data() : connection_->ServerPool().data();
    return *reinterpret_cast<const wire::ServerBlock*>(pool);
}

void Stream::SetThresholds(uint64_t avail_min_frames,
                           uint64_t stop_threshold_frames) noexcept {
    avail_min_ = avail_min_frames;
    stop_threshold_ = stop_threshold_frames;
    PublishAvailMin();
    OwnBlock().stop_threshold_frames.store(stop_threshold_frames,
                                           std::memory_order_relaxed);
    words_are_new_ = true;
}

void Stream::Prepare() noexcept {
    if (command_.wanted != Wanted::kStopped) Stop();
    has_lost_frames_ = false;
    is_prepared_ = true;
    // Frames that were never played are given up: the count goes on behind them all.
    base_ = std::max(appl_, tracker_.Newest());
    appl_ = base_;
    tracker_.Reset(base_, params_.rate_hz);
    device_tracker_.Reset(base_, params_.rate_hz);
    last_position_ = {};
    next_alive_check_ns_ = 0;
    OwnBlock().written_frames.store(appl_, std::memory_order_release);
    words_are_new_ = true;
}

void Stream::Reset(int64_t now_ns) noexcept {
    base_ += Look(now_ns).hw_frames;
    if (base_ < appl_) OnRoomMade();
    appl_ = base_;
    OwnBlock().written_frames.store(appl_, std::memory_order_release);
    words_are_new_ = true;
}

int Stream::Command(Wanted wanted) noexcept {
    const bool is_start =
        command_.wanted == Wanted::kStopped && wanted != Wanted::kStopped;
    if (is_start) {
        command_.epoch = wire::EpochAfter(command_.epoch);
        OwnBlock().start_frames.store(tracker_.Newest(), std::memory_order_relaxed);
    }
    command_.wanted = wanted;
    is_making_up_ = false;
    if (card_ && wanted != Wanted::kDraining) card_->Forget(PeerBlock());
    OwnBlock().command.store(command_.Pack(), std::memory_order_release);
    if (link_ == Link::kUp) {
        if (over_socket_)
            SendWords();
        else if (connection_->Send(wire::BytesOf(wire::MakeMessage<wire::Kick>())) != 0)
            OnLost();
    }
    return IsGone() ? ENODEV : 0;
}

int Stream::Stop() noexcept {
    is_prepared_ = false;
    if (command_.wanted == Wanted::kStopped) return IsGone() ? ENODEV : 0;
    return Command(Wanted::kStopped);
}

int Stream::Pause(bool pause, int64_t now_ns) noexcept {
    if (pause)
        Look(now_ns);
    else
        resumed_ns_ = now_ns;
    return Command(pause ? Wanted::kPaused : Wanted::kRunning);
}

Stream::Snapshot Stream::Look(int64_t now_ns) noexcept {
    if (over_socket_ && link_ == Link::kUp) {
        TakeMessages();
        if (IsWoken() && is_refreshing_) EndRefresh();
    }
    if (link_ == Link::kLost) TryAgain(now_ns);
    std::optional<shm::Position> position;
    if (link_ == Link::kUp) position = FindPosition();
    CheckAlive(position, now_ns);
    if (over_socket_ && position) RefreshWords(*position, now_ns);
    const bool moves = position && command_.wanted != Wanted::kPaused;
    if (moves) {
        last_position_ = *position;
        tracker_.FrameAt(*position, Limit(*position), now_ns);
        if (!is_playback_) device_tracker_.FrameAt(*position, UINT64_MAX, now_ns);
    }
    const uint64_t frame = is_making_up_ ? stands_at_ : tracker_.Newest();
    const State state = StateOf(position);
    const uint64_t delay = last_position_.delay_frames + Undelivered(state);
    return {state, frame - base_, std::min(delay, MostDelayFrames())};
}

/** Frames that a recorder's device has captured since the server was there last. */
uint64_t Stream::Undelivered(State state) const noexcept {
    if (is_playback_ || is_making_up_ || state != State::kRunning) return 0;
    const uint64_t device = device_tracker_.Newest();
    return device - std::min(device, tracker_.Newest());
}

/**
 * What the server said last of this start. Its words may be anything: here they are
 * bounded, so that no sum or difference of them leaves 64 bits.
 */
std::optional<shm::Position> Stream::FindPosition() noexcept {
    constexpr uint64_t kMostFrames = INT64_MAX;
    auto position = shm::ReadPosition(PeerBlock());
    if (!position) position = last_position_;  // a writer that died in the middle
    position->time_ns = std::clamp<int64_t>(position->time_ns, 0, INT64_MAX / 2);
    position->frames = std::min(position->frames, kMostFrames);
    position->limit_frames = std::min(position->limit_frames, kMostFrames);
    position->delay_frames = std::min(position->delay_frames, MostDelayFrames());
    // Of a stream that is stopped nothing counts any more: its server may not know it
    // yet.
    const bool is_ours = command_.wanted != Wanted::kStopped && position &&
                         wire::Command::SameEpoch(position->acted, command_.Pack());
    if (!is_ours) position.reset();
    return position;
}

/**
 * Over the socket the server sends its words only when it answers a wake request. An
 * application that is always ahead never polls, so no request of it is due: its position
 * would be old, and a recorder's frames would stay with the server. So a look that finds
 * only old words makes a wake request for the next cycle.
 */
void Stream::RefreshWords(const shm::Position& position, int64_t now_ns) noexcept {
    constexpr int64_t kOldPeriods = 2;
    const int64_t old_ns =
        kOldPeriods *
        base::MulDiv(params_.period_frames, base::kNsPerSecond, params_.rate_hz);
    if (is_refreshing_ || position.state != StreamState::kRunning ||
        now_ns - position.time_ns <= old_ns)
        return;
    is_refreshing_ = true;
    OwnBlock().avail_min_frames.store(0, std::memory_order_relaxed);
    Arm();
    SendWords();
}

void Stream::EndRefresh() noexcept {
    is_refreshing_ = false;
    PublishAvailMin();
    Arm();
    SendWords();
}

uint64_t Stream::Limit(const shm::Position& position) const noexcept {
    return std::min(KnownLimit(position), MostFrame(position.state));
}

/** hw_ptr is never more, whatever the server says, unless it may run over for ever. */
uint64_t Stream::MostFrame(StreamState state) const noexcept {
    if (stop_threshold_ == wire::kNeverStop) return UINT64_MAX;
    const uint64_t most_avail =
        std::max<uint64_t>(stop_threshold_, params_.buffer_frames);
    if (!is_playback_) return appl_ + most_avail;
    // The server tells of an underrun; until it does there is a frame to play.
    if (state == StreamState::kRunning && appl_ > base_)
        return appl_ + stop_threshold_ - params_.buffer_frames - 1;
    return state == StreamState::kDraining ? appl_ : appl_ + most_avail;
}

uint64_t Stream::KnownLimit(const shm::Position& position) const noexcept {
    // Over the socket the limit is as old as the last message; the server reads on. It
    // does not while it is paused, and says nothing then: what is from before stands.
    const bool moves_unseen = over_socket_ && is_playback_ &&
                              position.time_ns >= resumed_ns_ &&
                              (position.state == StreamState::kRunning ||
                               position.state == StreamState::kDraining);
    if (!moves_unseen) return position.limit_frames;
    // As far ahead of what is known as the server's ring has room for.
    constexpr uint32_t kBuffersAhead = wire::kSocketRingBuffers - 1;
    const uint64_t most =
        position.limit_frames + uint64_t{kBuffersAhead} * params_.buffer_frames;
    return std::max(std::min(appl_, most), position.limit_frames);
}

Stream::State Stream::StateOf(
    const std::optional<shm::Position>& position) const noexcept {
    if (IsGone()) return State::kGone;
    if (command_.wanted == Wanted::kStopped)
        return is_prepared_ ? State::kPrepared : State::kStopped;
    if (has_lost_frames_) return State::kXrun;
    if (position && position->state == StreamState::kXrun) return State::kXrun;
    if (position && position->state == StreamState::kStopped)
        return is_making_up_ ? State::kXrun : State::kStopped;
    switch (command_.wanted) {
        case Wanted::kDraining:
            return is_making_up_ ? State::kRunning : State::kDraining;
        case Wanted::kPaused:
            return State::kPaused;
        default:
            return State::kRunning;
    }
}

void Stream::CheckAlive(const std::optional<shm::Position>& position,
                        int64_t now_ns) noexcept {
    if (command_.wanted == Wanted::kStopped || now_ns < next_alive_check_ns_ ||
        link_ != Link::kUp)
        return;
    const bool has_just_started =
        std::exchange(next_alive_check_ns_, now_ns + kSilenceNs) == 0;
    if (has_just_started) return;
    // A stream with a pool sleeps by its timer and never reads the socket: drain it here.
    if (WakesItself()) TakeMessages();
    if (position && std::abs(now_ns - position->time_ns) < kSilenceNs) return;
    if (!connection_->IsAlive()) OnLost();
}

void Stream::SetApplFrames(uint64_t appl_frames) noexcept {
    if (appl_frames + base_ == appl_) return;
    const uint64_t old = std::exchange(appl_, appl_frames + base_);
    // What it goes over was written once, and is to be heard as it is.
    if (card_ && appl_ > old && appl_ - old <= params_.buffer_frames)
        CopyToCard(old, static_cast<uint32_t>(appl_ - old));
    if (appl_ < old) OnRoomMade();
    OwnBlock().written_frames.store(appl_, std::memory_order_release);
    words_are_new_ = true;
}

shm::RingRuns<std::byte> Stream::WriteRuns(uint32_t frames) const noexcept {
    return write_ring_.Runs(appl_, frames);
}

shm::RingRuns<const std::byte> Stream::ReadRuns(uint32_t frames) const noexcept {
    return read_ring_.Runs(appl_, frames);
}

uint32_t Stream::Commit(uint32_t frames) noexcept {
    if (over_socket_ && is_playback_) frames = SendData(frames);
    if (card_) CopyToCard(appl_, frames);
    appl_ += frames;
    OwnBlock().written_frames.store(appl_, std::memory_order_release);
    // The server learns what was played from Data, but what was taken only from words.
    words_are_new_ |= !is_playback_;
    return frames;
}

void Stream::CopyToCard(uint64_t position, uint32_t frames) noexcept {
    card_->Copy(write_ring_, position, frames, PeerBlock(), OwnBlock());
}

uint64_t Stream::Avail(uint64_t hw_frames) const noexcept {
    const uint64_t hw = hw_frames + base_;
    if (!is_playback_) return hw > appl_ ? hw - appl_ : 0;
    return hw + params_.buffer_frames > appl_ ? hw + params_.buffer_frames - appl_ : 0;
}

/**
 * The wake that made the descriptor readable may be among them, and its request answered:
 * it stays readable until UpdateReadiness has looked and made another wake request.
 */
void Stream::TakeMessages() noexcept {
    int error = 0;
    for (int i = 0; i < kMostMessagesALook && error == 0 && link_ == Link::kUp; ++i)
        error = connection_->TakeOne(*this);
    if (error != 0 && error != EAGAIN) OnLost();
    if (IsWoken() && !is_refreshing_) readiness_.Raise();
}

}  // namespace shmd::client
