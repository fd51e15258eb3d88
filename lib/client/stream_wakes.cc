// When the descriptor is readable, and who makes it so: by the clock for who plays from a
// pool, else by the server's wakes; see doc/decisions/0007.

#include "base/clock.h"
#include "client/stream.h"
#include "client/wake_time.h"

#include <cerrno>
#include <cstdlib>

namespace shmd::client {

using wire::StreamState;
using wire::Wanted;

namespace {

// Less is not worth to set the timer anew.
constexpr int64_t kSameTimeNs = 50'000;

}  // namespace

/** Who plays from a pool knows himself when there is room; its server tells him the end.
 */
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
    if (runs_in_pool && is_playback_ && link_ == Link::kUp)
        RaiseWhenReady(is_ready, now_ns);
    else if (!is_ready)
        readiness_.Lower();
    else if (!runs_in_pool)
        readiness_.Raise();
    // Otherwise the server's wake makes it readable: it is there, or comes with the
    // cycle.
    if (!is_ready) AskForWake(was_polled);
    if (over_socket_ && words_are_new_ && link_ == Link::kUp) SendWords();
    return link_ == Link::kUp ? snapshot : Look(now_ns);
}

/** Readable by the clock, with the end of a cycle: no server has to wake us for that. */
void Stream::RaiseWhenReady(bool is_ready, int64_t now_ns) noexcept {
    const uint64_t room_frame = appl_ + avail_min_ - params_.buffer_frames;
    // What became ready as expected is readable, or is with the end of this cycle.
    const bool is_expected =
        room_frame == room_frame_ && readiness_.RaisedAtNs() != base::kNever;
    room_frame_ = room_frame;
    if (is_ready) {
        if (!is_expected) readiness_.Raise();
        return;
    }
    const bool can_be = avail_min_ <= params_.buffer_frames;
    const int64_t due_ns = can_be ? RoomTimeNs(room_frame, now_ns) : base::kNever;
    const int64_t raised_ns = readiness_.RaisedAtNs();
    const bool is_set = raised_ns > now_ns && std::abs(raised_ns - due_ns) < kSameTimeNs;
    if (!is_set) readiness_.RaiseAt(due_ns);
}

int64_t Stream::RoomTimeNs(uint64_t room_frame, int64_t now_ns) const noexcept {
    const shm::Position& last = last_position_;
    const bool is_known =
        last.state == StreamState::kRunning && last.time_ns >= resumed_ns_;
    // The server has not begun with it: not before it could be if it did so now.
    const auto missing = static_cast<int64_t>(room_frame - tracker_.Newest());
    const int64_t due_ns =
        is_known ? WakeTimeNs(last, PeerBlock().cycle_ns.load(std::memory_order_relaxed),
                              room_frame, params_.rate_hz)
                 : now_ns + base::MulDiv(missing, base::kNsPerSecond, params_.rate_hz);
    return NextLookNs(due_ns, now_ns);
}

/** Whatever else is to be told: a recorder's frames, room over the socket, the end. */
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
    while (error == 0 && (at_least_one || wakes_taken_ < wakes_owed_)) {
        at_least_one = false;
        error = connection_->TakeOne(*this);
    }
    if (error != 0 && error != EAGAIN) OnLost();
}

void Stream::Arm() noexcept {
    ++armed_;
    OwnBlock().armed.store(armed_, std::memory_order_seq_cst);
    words_are_new_ = true;
    // A stream that ended before this wish was there will not be turned again to answer
    // it.
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
