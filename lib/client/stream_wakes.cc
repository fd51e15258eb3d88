// When the descriptor is readable, and what makes it so: on the memfd transport a timer,
// on the socket transport the server's messages; see doc/decisions/0007 and 0011.

#include "base/clock.h"
#include "client/stream.h"
#include "client/wake_time.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <utility>

namespace shmd::client {

using wire::StreamState;
using wire::Wanted;

namespace {

// Less is not worth to set the timer anew.
constexpr int64_t kSameTimeNs = 50'000;
// How soon a player looks again that a late server has left without room.
constexpr int64_t kLeastLateNs = base::kNsPerMs;
constexpr int64_t kMostLateNs = 60 * base::kNsPerSecond;
// A server that sends other messages without end is left to the next look.
constexpr int kMostMessagesAWake = 64;

}  // namespace

/** With a pool, only the end of the stream needs the server's wake. */
void Stream::PublishAvailMin() noexcept {
    OwnBlock().avail_min_frames.store(WakesItself() ? wire::kNeverWake : avail_min_,
                                      std::memory_order_relaxed);
}

bool Stream::IsReady(const Snapshot& snapshot) const noexcept {
    switch (snapshot.state) {
        case State::kGone:
        case State::kXrun:
        case State::kStopped:
            return true;
        case State::kDraining:
            return !is_playback_;
        case State::kPrepared:
        case State::kRunning:
        case State::kPaused:
            return Avail(snapshot.hw_frames) >= avail_min_;
    }
    return true;
}

bool Stream::IsWoken() const noexcept {
    return PeerBlock().woken.load(std::memory_order_acquire) == armed_;
}

Stream::Snapshot Stream::UpdateReadiness(int64_t now_ns, bool was_polled) noexcept {
    const Snapshot snapshot = Look(now_ns);
    const bool is_ready = IsReady(snapshot);
    const bool runs_in_pool = snapshot.state == State::kRunning && !over_socket_;
    if (runs_in_pool && link_ == Link::kUp)
        RaiseWhenReady(is_ready, now_ns);
    else if (!is_ready)
        readiness_.Lower();
    else if (!runs_in_pool)
        readiness_.Raise();
    if (!is_ready) AskForWake(was_polled);
    if (over_socket_ && words_are_new_ && link_ == Link::kUp) SendWords();
    return link_ == Link::kUp ? snapshot : Look(now_ns);
}

/** hw_ptr with which avail is avail_min. */
uint64_t Stream::ReadyFrame() const noexcept {
    return appl_ + avail_min_ - (is_playback_ ? params_.buffer_frames : 0);
}

/** Readable by the clock, with the end of a cycle: no server has to wake us for that. */
void Stream::RaiseWhenReady(bool is_ready, int64_t now_ns) noexcept {
    LearnMargin(is_ready, now_ns);
    // What became ready as expected is readable, or is with the end of this cycle.
    const bool is_expected =
        ReadyFrame() == ready_frame_ && readiness_.RaisedAtNs() != base::kNever;
    ready_frame_ = ReadyFrame();
    if (is_ready) {
        if (!is_expected) readiness_.Raise();
        return;
    }
    const bool can_be = avail_min_ <= params_.buffer_frames;
    const int64_t due_ns = can_be ? ReadyTimeNs(now_ns) : base::kNever;
    const int64_t raised_ns = readiness_.RaisedAtNs();
    const bool is_set = raised_ns > now_ns && std::abs(raised_ns - due_ns) < kSameTimeNs;
    if (!is_set) readiness_.RaiseAt(due_ns);
}

/** @pre the stream's timer is set, or has run out, for `ready_frame_` */
void Stream::LearnMargin(bool is_ready, int64_t now_ns) noexcept {
    const bool is_same = ReadyFrame() == ready_frame_;
    const bool ran_out = readiness_.RaisedAtNs() <= now_ns;
    if (is_playback_ || !ran_out || !is_same) {
        has_missed_ = has_missed_ && is_same;
    } else if (!is_ready) {
        if (!std::exchange(has_missed_, true)) margin_.OnMissed();
    } else if (!has_missed_) {
        margin_.OnMet();
    }
}

int64_t Stream::ReadyTimeNs(int64_t now_ns) const noexcept {
    const shm::Position& last = last_position_;
    const bool is_known =
        last.state == StreamState::kRunning && last.time_ns >= resumed_ns_;
    const int64_t cycle_ns = PeerBlock().cycle_ns.load(std::memory_order_relaxed);
    // The server has not begun with it: not before it could be if it did so now.
    const auto missing = static_cast<int64_t>(ready_frame_ - tracker_.Newest());
    const int64_t due_ns = is_known
                               ? WakeTimeNs(last, cycle_ns, ready_frame_, params_.rate_hz)
                               : now_ns + DurationNs(missing, params_.rate_hz);
    if (is_playback_) return NextLookNs(due_ns, now_ns, kLeastLateNs, kMostLateNs);
    constexpr int64_t kLeastNs = DeliveryMargin::kLeastNs;
    return NextLookNs(due_ns + margin_.Ns(), now_ns, kLeastNs,
                      std::clamp(cycle_ns, kLeastNs, base::kNsPerSecond));
}

/** For what no clock tells: the end of the stream, and everything over the socket. */
void Stream::AskForWake(bool was_polled) noexcept {
    if (link_ != Link::kUp) return;
    const bool is_woken = IsWoken();
    if (is_woken) ++wakes_owed_;
    if (!over_socket_) TakeWakes(was_polled);
    if (is_woken)
        Arm();
    else if (IsWoken())
        readiness_.Raise();  // answered since: its wake may be the one that was taken
}

/**
 * Take the wakes that are owed. One may be late: the server stores `woken` before it
 * sends, and we may have looked in between; it is then taken with the next.
 */
void Stream::TakeWakes(bool at_least_one) noexcept {
    int error = 0;
    for (int i = 0; i < kMostMessagesAWake && error == 0; ++i) {
        const bool is_owed = wakes_taken_ < wakes_owed_;
        if (!is_owed && !(at_least_one && i == 0)) break;
        error = connection_->TakeOne(*this);
    }
    if (error != 0 && error != EAGAIN) OnLost();
}

void Stream::Arm() noexcept {
    ++armed_;
    OwnBlock().armed.store(armed_, std::memory_order_seq_cst);
    words_are_new_ = true;
    // If the stream ended before this wake request was stored, the server may never see
    // it: check for the end now.
    if (HasEnded()) readiness_.Raise();
}

bool Stream::HasEnded() const noexcept {
    const wire::ServerBlock& block = PeerBlock();
    const auto state =
        static_cast<StreamState>(block.state.load(std::memory_order_seq_cst));
    const uint64_t acted = block.acted.load(std::memory_order_acquire);
    return command_.wanted != Wanted::kStopped &&
           wire::Command::SameEpoch(acted, command_.Pack()) &&
           (state == StreamState::kXrun || state == StreamState::kStopped);
}

/** The application went back. */
void Stream::OnRoomMade() noexcept {
    // The server's word is the last only while `written` does not go back.
    if (card_) card_->Forget(PeerBlock());
    if (WakesItself() && command_.wanted == Wanted::kRunning) readiness_.Raise();
}

}  // namespace shmd::client
