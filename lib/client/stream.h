#pragma once

#include "client/card_ring.h"
#include "client/connection.h"
#include "client/delivery_margin.h"
#include "client/device_format.h"
#include "client/position_tracker.h"
#include "client/readiness.h"
#include "shm/position.h"
#include "shm/ring.h"
#include "wire/stream_block.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <optional>

namespace shmd::client {

/**
 * A stream on the server, as an application's side sees it: a ring, a position, commands,
 * and one descriptor to poll.
 *
 * Frames are counted from the last Prepare(), as alsa-lib counts them. Whether the
 * payload goes through a shared pool or over the socket makes no difference here.
 *
 * Thread: one at a time.  Realtime: what says so.
 */
class Stream final : private Connection::Listener {
  public:
    struct Params {
        uint8_t format = 0;  // audio::SampleFormat
        uint32_t rate_hz = 0;
        uint32_t channels = 0;
        uint32_t frame_bytes = 0;
        uint32_t period_frames = 0;
        uint32_t buffer_frames = 0;
        std::array<uint8_t, wire::kMaxChannels> channel_map{};
        wire::Direct direct = wire::Direct::kNever;
    };

    /** kStopped: drained, dropped, or ended by the server. */
    enum class State { kPrepared, kRunning, kDraining, kPaused, kXrun, kStopped, kGone };

    /**
     * Connect and open: one round trip. Errors: as Connection.
     *
     * @param patience_ns  When the server goes away, how long to look for another one on
     *     the same socket; 0: not at all. Meanwhile the position stands still. With the
     *     new server a stream that ran has an xrun, because the device may have lost
     *     frames. A drain or a pause goes on, with all frames that are queued.
     */
    explicit Stream(const Connection::Options& options, int64_t patience_ns = 0);

    [[nodiscard]] bool IsPlayback() const noexcept { return is_playback_; }
    /** The device's own format, as the first server said it. */
    [[nodiscard]] const DeviceFormat& Device() const noexcept { return device_; }
    [[nodiscard]] int PollFd() const noexcept { return readiness_.PollFd(); }

    /**
     * One round trip. If the server has closed the connection of a stream without
     * parameters, the stream connects anew, whatever its patience. Errors: as Connection
     * and Connection::Ask.
     * After a refusal the stream has no parameters; when the server went meanwhile, it
     * has those of before.
     */
    void SetParams(const Params& params);
    void FreeParams();
    /** Whether there is a ring to write to or to read from. Realtime: yes. */
    [[nodiscard]] bool HasParams() const noexcept { return has_params_; }

    /** @param stop_threshold_frames  wire::kNeverStop for ALSA's boundary. Realtime: yes.
     */
    void SetThresholds(uint64_t avail_min_frames,
                       uint64_t stop_threshold_frames) noexcept;

    /** Frame 0 is next. Stops what was running. Realtime: at most one system call. */
    void Prepare() noexcept;

    /**
     * The present position becomes frame 0, for the application too: queued frames are
     * dropped, and a running stream goes on. Realtime: yes.
     */
    void Reset(int64_t now_ns) noexcept;

    /** Commands. @return 0 or an errno. Realtime: at most one system call each. */
    int Start() noexcept { return Command(wire::Wanted::kRunning); }
    int Stop() noexcept;
    /** The position stands still from `now_ns` on, even if the server acts later. */
    int Pause(bool pause, int64_t now_ns) noexcept;
    int Drain() noexcept { return Command(wire::Wanted::kDraining); }

    /** What is known at `now_ns`. Realtime: yes. */
    struct Snapshot {
        State state;
        uint64_t hw_frames;  // hw_ptr
        // Between hw_ptr and the device's end: over the socket's ring, or from a
        // recorder's device, which goes on capturing. At most kMostDelaySeconds of each.
        uint64_t delay_frames;
    };
    static constexpr uint32_t kMostDelaySeconds = 10;
    Snapshot Look(int64_t now_ns) noexcept;

    /** appl_ptr; it may go back or forward. Realtime: yes. */
    void SetApplFrames(uint64_t appl_frames) noexcept;
    [[nodiscard]] uint64_t ApplFrames() const noexcept { return appl_ - base_; }

    /** The ring's places for `frames` frames from ApplFrames() on. @pre <= buffer_frames
     */
    [[nodiscard]] shm::RingRuns<std::byte> WriteRuns(uint32_t frames) const noexcept;
    [[nodiscard]] shm::RingRuns<const std::byte> ReadRuns(uint32_t frames) const noexcept;

    /**
     * `frames` frames were written to WriteRuns, or read from ReadRuns.
     * @return how many were passed on, fewer only when the server is gone
     * Realtime: yes with a shared pool; over the socket a system call a message.
     */
    uint32_t Commit(uint32_t frames) noexcept;

    /**
     * Make the descriptor readable, or not readable, as the stream is ready or not: when
     * avail is at least avail_min, or there is something else to hear.
     * @param was_polled  the application found it readable, so if it is not ready now
     *                    something is to be taken away
     * @return what it found.  Realtime: a few system calls, mostly none.
     */
    Snapshot UpdateReadiness(int64_t now_ns, bool was_polled = false) noexcept;

    /** Whether, by `snapshot`, there is something for the application to do or to hear.
     */
    [[nodiscard]] bool IsReady(const Snapshot& snapshot) const noexcept;

    [[nodiscard]] uint64_t Avail(uint64_t hw_frames) const noexcept;
    /** What a player still has to hear, with the device's delay, by `snapshot`. */
    [[nodiscard]] uint64_t Queued(const Snapshot& snapshot) const noexcept {
        const uint64_t appl = ApplFrames();
        return appl - std::min(appl, snapshot.hw_frames) + snapshot.delay_frames;
    }
    /** Whether the server is gone, and no other is looked for any more. */
    [[nodiscard]] bool IsGone() const noexcept { return link_ == Link::kGone; }

  private:
    void OnMessage(const wire::MessageHeader& header, std::span<const std::byte> message,
                   std::span<base::UniqueFd> fds) override;
    void OnDirectGrant(const wire::DirectGrant& grant,
                       std::span<const base::UniqueFd> fds) noexcept;
    void ReturnCard(uint32_t grant) noexcept;
    void CopyToCard(uint64_t position, uint32_t frames) noexcept;
    void OnWords(const wire::ServerWords& words) noexcept;
    void OnData(const wire::DataView& data) noexcept;

    int Command(wire::Wanted wanted) noexcept;
    int SendWords() noexcept;
    uint32_t SendData(uint32_t frames) noexcept;
    void TakeMessages() noexcept;
    void Arm() noexcept;
    [[nodiscard]] bool WakesItself() const noexcept { return !over_socket_; }
    void PublishAvailMin() noexcept;
    void OnRoomMade() noexcept;
    void RaiseWhenReady(bool is_ready, int64_t now_ns) noexcept;
    [[nodiscard]] uint64_t ReadyFrame() const noexcept;
    [[nodiscard]] int64_t ReadyTimeNs(int64_t now_ns) const noexcept;
    void LearnMargin(bool is_ready, int64_t now_ns) noexcept;
    void AskForWake(bool was_polled) noexcept;
    void TakeWakes(bool at_least_one) noexcept;
    [[nodiscard]] bool IsWoken() const noexcept;
    [[nodiscard]] bool HasEnded() const noexcept;
    [[nodiscard]] State StateOf(
        const std::optional<shm::Position>& position) const noexcept;
    std::optional<shm::Position> FindPosition() noexcept;
    void RefreshWords(const shm::Position& position, int64_t now_ns) noexcept;
    void EndRefresh() noexcept;
    [[nodiscard]] uint64_t Limit(const shm::Position& position) const noexcept;
    [[nodiscard]] uint64_t MostFrame(wire::StreamState state) const noexcept;
    [[nodiscard]] uint64_t Undelivered(State state) const noexcept;
    [[nodiscard]] uint64_t MostDelayFrames() const noexcept {
        return uint64_t{kMostDelaySeconds} * params_.rate_hz;
    }
    [[nodiscard]] uint64_t KnownLimit(const shm::Position& position) const noexcept;
    void CheckAlive(const std::optional<shm::Position>& position,
                    int64_t now_ns) noexcept;
    void UseSharedMemory(const wire::ParamsSet& answer);
    void UsePrivateMemory();
    void MakeMirror();

    // stream_outage.cc
    void OnLost() noexcept;
    void StandStill(int64_t now_ns) noexcept;
    void TryAgain(int64_t now_ns) noexcept;
    [[nodiscard]] bool IsConnected() const noexcept;
    void ConnectAnew();
    void Resume(std::unique_ptr<Connection> connection);
    void Restart(wire::Wanted wanted) noexcept;
    void CopyFrames(const shm::RingArea<std::byte>& old_ring) noexcept;

    /** What AgreeParams replaces, and what is brought back if it fails. */
    struct Agreed {
        Params params;
        size_t ring_offset;
        shm::RingArea<std::byte> write_ring;
        shm::RingArea<const std::byte> read_ring;
        bool over_socket;
        bool has_params;
    };
    [[nodiscard]] Agreed Current() const noexcept {
        return {params_,    ring_offset_, write_ring_,
                read_ring_, over_socket_, has_params_};
    }
    void BringBack(const Agreed& agreed) noexcept;
    void WantNothing() noexcept;
    void AgreeParams();
    void AskForParams();
    wire::ParamsSet SendParams();
    bool TryMapRing(const wire::ParamsSet& answer) noexcept;
    void PlaceRingInPool() noexcept;
    [[nodiscard]] size_t RingBytes() const noexcept {
        return size_t{params_.buffer_frames} * params_.frame_bytes;
    }
    void ForgetRings() noexcept {
        write_ring_ = {};
        read_ring_ = {};
    }
    [[nodiscard]] wire::ClientBlock& OwnBlock() const noexcept;
    [[nodiscard]] const wire::ServerBlock& PeerBlock() const noexcept;

    enum class Link { kUp, kLost, kGone };

    bool is_playback_;
    Connection::Options options_;
    int64_t patience_ns_;
    std::unique_ptr<Connection> connection_;
    DeviceFormat device_;
    Readiness readiness_;
    PositionTracker tracker_;
    PositionTracker device_tracker_;  // also beyond what the server has delivered
    Params params_;
    bool over_socket_ = false;
    Link link_ = Link::kUp;
    int64_t next_try_ns_ = 0;  // while it is lost; 0: at once
    int64_t give_up_ns_ = 0;
    bool has_params_ = false;
    bool is_agreeing_ = false;  // SetParams was sent and not answered yet
    bool is_prepared_ = false;
    bool has_lost_frames_ = false;
    bool is_making_up_ = false;  // plays what was queued when the server went
    uint64_t stands_at_ = 0;     // where the application sees it meanwhile
    bool words_are_new_ = false;
    bool is_refreshing_ = false;
    wire::Command command_;
    // Of the 64-bit counts none wraps. Frames grow by what the rate allows, or by what an
    // application skips: a ring each call at most, 4 Mi frames, which takes 12 days of
    // nothing else to reach 2^62, where the server drops it. The others grow by one a
    // system call.
    uint64_t base_ = 0;  // the count of frame 0 in the shared words
    uint64_t appl_ = 0;  // the application's frame, in that count
    uint64_t armed_ = 0;
    uint64_t wakes_owed_ = 0;   // wake requests that the server has answered
    uint64_t wakes_taken_ = 0;  // wakes that came for them
    uint64_t avail_min_ = 1;
    uint64_t ready_frame_ = 0;  // hw_ptr that makes it ready; the timer is set by it
    bool has_missed_ = false;   // the timer ran out before hw_ptr was there
    DeliveryMargin margin_;     // of a recorder
    uint64_t stop_threshold_ = wire::kNeverStop;
    int64_t next_alive_check_ns_ = 0;
    int64_t resumed_ns_ = 0;  // when the last pause ended
    shm::Position last_position_;
    size_t ring_offset_ = 0;  // in the pool; not used while the payload has the socket
    shm::RingArea<std::byte> write_ring_;
    shm::RingArea<const std::byte> read_ring_;
    std::optional<CardRing> card_;  // while the server grants it
    // Over the socket: the server's block as its messages describe it, and the ring.
    std::optional<shm::OwnPool> mirror_;
    shm::Mapping socket_ring_;
};

}  // namespace shmd::client
