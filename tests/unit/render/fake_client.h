#pragma once

#include "audio/format.h"
#include "render/stream_setup.h"
#include "shm/position.h"
#include "shm/ring.h"
#include "wire/stream_block.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace shmd::render {

/**
 * A client in plain memory: writes words and frames as a client would, and takes its
 * wakes from the mailbox, as the loop does. Thread: test.
 */
class FakeClient {
  public:
    struct Options {
        audio::StreamFormat format{};
        uint32_t period_frames = 480;
        uint32_t buffer_frames = 4800;
        bool is_capture = false;
        /** What it counts its frames from. */
        uint64_t first_frame = 0;
        float gain = 1.0F;
        bool is_over_socket = false;
    };

    explicit FakeClient(uint64_t stream_id, const Options& options);
    FakeClient(FakeClient&&) noexcept;
    ~FakeClient();

    /** What a session would hand to the audio side. */
    [[nodiscard]] StreamSetup Setup() const;

    // --- the client's words

    void Start() { Command(wire::Wanted::kRunning, true); }
    void StartDraining() { Command(wire::Wanted::kDraining, true); }
    void Drain() { Command(wire::Wanted::kDraining, false); }
    void Pause() { Command(wire::Wanted::kPaused, false); }
    void Resume() { Command(wire::Wanted::kRunning, false); }
    void Stop() { Command(wire::Wanted::kStopped, false); }

    /** Begin anew with the next start at `frame`. */
    void SeekTo(uint64_t frame);

    void SetAvailMin(uint64_t frames) { Words().avail_min_frames = frames; }
    void SetStopThreshold(uint64_t frames) { Words().stop_threshold_frames = frames; }
    wire::ClientBlock& Words();

    // --- its frames

    /** Put `frames` (whole frames) into the ring, without a look at how full it is. */
    void Write(std::span<const std::byte> frames);
    /** Take back the last `frames` frames, as an application does that rewinds. */
    void Rewind(uint64_t frames) { Words().written_frames = written_ -= frames; }
    /** As much of `frames` as there is room. @return bytes taken */
    size_t Feed(std::span<const std::byte> frames);
    /** Capture: take all that is published. */
    std::vector<std::byte> Read();
    [[nodiscard]] uint64_t Written() const { return written_; }

    // --- what it hears

    [[nodiscard]] shm::Position Position() const;
    [[nodiscard]] wire::StreamState State() const { return Position().state; }
    [[nodiscard]] const StreamCounters& Count() const { return *counters_; }
    /** Wish to be woken. */
    void Arm() { ++Words().armed; }
    /** Whether the loop was asked to tell it something since the last call. */
    bool TakeWake() { return mailbox_->wake.exchange(false); }

    /** Lives as long as the server's side holds the stream's memory. */
    [[nodiscard]] std::weak_ptr<const void> WatchMemory() const { return memory_; }
    /** Let go of the memory that the stream uses. */
    void Forget() { memory_.reset(); }

  private:
    struct Memory;

    void Command(wire::Wanted wanted, bool is_new_epoch);

    Options options_;
    uint64_t stream_id_;
    std::shared_ptr<Memory> memory_;
    std::shared_ptr<StreamCounters> counters_;
    std::shared_ptr<Mailbox> mailbox_;
    wire::Command command_;
    uint64_t start_;
    uint64_t written_;
};

}  // namespace shmd::render
