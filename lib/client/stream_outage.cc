// The server goes, and comes back.
//
// A stream whose connection is lost keeps its pool, in which the application goes on
// writing, and its count of frames, which stands still. Each look tries to connect anew,
// at most every kRetryNs; the descriptor becomes readable as often, for an application
// that polls it. The new server gets a new pool, because an old server that only hangs
// still has the old one.

#include "base/clock.h"
#include "client/stream.h"

#include <algorithm>
#include <exception>
#include <system_error>
#include <utility>

namespace shmd::client {

using wire::Wanted;

namespace {

constexpr int64_t kRetryNs = 100 * base::kNsPerMs;

}  // namespace

void Stream::OnLost() noexcept {
    if (link_ != Link::kUp) return;
    // A mapping of it would keep the card from the next server.
    card_.reset();
    // What a recorder has not read yet was in the server's pool.
    has_lost_frames_ = !is_playback_ && command_.wanted != Wanted::kStopped &&
                       stop_threshold_ != wire::kNeverStop;
    link_ = patience_ns_ == 0 ? Link::kGone : Link::kLost;
    next_try_ns_ = 0;
    if (link_ == Link::kLost) readiness_.WatchTime(connection_->Socket(), kRetryNs);
}

/** At the end of all that the old server has taken, as far as that is known. */
void Stream::StandStill(int64_t now_ns) noexcept {
    give_up_ns_ = now_ns + patience_ns_;
    auto position = FindPosition();
    if (!position) return;
    position->frames = position->limit_frames;
    tracker_.FrameAt(*position, Limit(*position), now_ns);
}

void Stream::TryAgain(int64_t now_ns) noexcept {
    if (now_ns < next_try_ns_) return;
    if (next_try_ns_ == 0) StandStill(now_ns);
    next_try_ns_ = now_ns + kRetryNs;
    try {
        Resume(std::make_unique<Connection>(options_));
    } catch (const std::exception&) {
        if (now_ns >= give_up_ns_) link_ = Link::kGone;
    }
}

bool Stream::IsConnected() const noexcept {
    return link_ == Link::kUp && connection_->IsAlive();
}

/** Errors: those of Connection. @pre it has no parameters: nothing is lost */
void Stream::ConnectAnew() {
    auto connection = std::make_unique<Connection>(options_);
    OnLost();
    readiness_.WatchTime(connection_->Socket(), kRetryNs);  // even without patience
    Resume(std::move(connection));
}

/** Errors: those of Connection; the stream is as it was then, and lost. */
void Stream::Resume(std::unique_ptr<Connection> connection) {
    const wire::Command command = command_;
    const Wanted wanted = command.wanted;
    const Agreed agreed = Current();
    auto mirror = std::exchange(mirror_, {});
    auto socket_ring = std::exchange(socket_ring_, {});
    std::swap(connection, connection_);
    try {
        MakeMirror();
        armed_ = wakes_owed_ = wakes_taken_ = 0;
        readiness_.WatchSocket(connection_->Socket());
        // The last that may fail: from here on the rings lie in the new pools.
        if (has_params_) AgreeParams();
    } catch (...) {
        command_ = command;
        std::swap(connection, connection_);
        mirror_ = std::move(mirror);
        BringBack(agreed);
        socket_ring_ = std::move(socket_ring);
        throw;
    }
    readiness_.ForgetTime();
    readiness_.Raise();  // an application that polls computes its wait anew
    link_ = Link::kUp;
    is_refreshing_ = false;
    next_alive_check_ns_ = 0;
    CopyFrames(agreed.write_ring);
    SetThresholds(avail_min_, stop_threshold_);
    OwnBlock().written_frames.store(appl_, std::memory_order_release);
    // What has an xrun is the application's to start again.
    if (wanted == Wanted::kStopped || has_lost_frames_)
        command_.wanted = wanted;
    else
        Restart(wanted);
}

/** What is queued, and what a rewind may come back to. */
void Stream::CopyFrames(const shm::RingArea<std::byte>& old_ring) noexcept {
    if (!is_playback_ || !has_params_) return;
    const uint32_t frames = params_.buffer_frames;
    std::ranges::copy(old_ring.Runs(0, frames).first,
                      write_ring_.Runs(0, frames).first.begin());
}

/**
 * Go on at the frame where it stood still. What the old server's device had taken and not
 * played is lost, which is an xrun; but an xrun gives up what is queued. So that is
 * played first, as a drain that the application does not see.
 */
void Stream::Restart(Wanted wanted) noexcept {
    const uint64_t at = tracker_.Newest();
    device_tracker_.Reset(at, params_.rate_hz);
    const bool makes_up = is_making_up_ || (is_playback_ && wanted == Wanted::kRunning &&
                                            stop_threshold_ != wire::kNeverStop);
    if (!is_making_up_) stands_at_ = at;
    if (over_socket_ && is_playback_ && appl_ > at) {
        const uint64_t queued = std::min<uint64_t>(appl_ - at, params_.buffer_frames);
        const uint64_t end = std::exchange(appl_, appl_ - queued);
        SendData(static_cast<uint32_t>(queued));
        appl_ = end;
    }
    Command(makes_up ? Wanted::kDraining : wanted);
    is_making_up_ = makes_up;
}

}  // namespace shmd::client
