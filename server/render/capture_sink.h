#pragma once

#include "audio/channel_map.h"
#include "audio/resample.h"
#include "render/rehearsal.h"
#include "render/scratch.h"
#include "render/stream_control.h"
#include "shm/ring.h"

#include <cstdint>
#include <memory>
#include <span>

namespace shmd::render {

/**
 * One recording client: the device's captured (or monitored) frames into its ring.
 *
 * Thread: audio, but for construction.  Realtime: yes.
 */
class CaptureSink {
  public:
    CaptureSink(const StreamSetup& setup, const audio::StreamFormat& captured_format);

    // For another device: as in PlaybackSource.
    [[nodiscard]] bool CanShareResampler(
        const audio::StreamFormat& captured_format) const noexcept;
    CaptureSink(const CaptureSink& other, const audio::StreamFormat& captured_format);
    void GoOnFrom(const CaptureSink& other) noexcept;

    /** Look at the client's command; `device_frame` is the first not delivered yet. */
    void ReadCommand(Context& context, uint64_t device_frame) noexcept;

    [[nodiscard]] bool IsRunning() const noexcept { return control_.IsRunning(); }
    [[nodiscard]] uint32_t MostCycleFrames() const noexcept {
        return control_.MostCycleFrames();
    }

    // What it costs: as PlaybackSource's.
    [[nodiscard]] bool IsPlain() const noexcept {
        return !resampler_ && remixer_.IsIdentity();
    }
    int64_t Rehearse(Rehearsal& room) noexcept;
    void SetCostNs(int64_t cost_ns) noexcept { cost_ns_ = cost_ns; }
    [[nodiscard]] int64_t CostNs() const noexcept { return cost_ns_; }
    void StopForItsCost(Context& context) noexcept {
        control_.EnterXrun(context, Event::kOverload,
                           static_cast<uint64_t>(cost_ns_) / 1000, filled_);
    }

    /** Take the next captured frames, in the captured format. */
    void Deliver(Context& context, Scratch& scratch,
                 std::span<const std::byte> captured) noexcept;

    /**
     * `device_frames` frames that were due were lost: the server was held up for too
     * long. As on a card, that is an overrun, also with room in the buffer; a client that
     * lets itself be overrun (a stop threshold beyond its buffer) goes on, and the gap is
     * reported.
     */
    void LoseFrames(Context& context, uint64_t device_frames) noexcept;

    /** Publish how far the ring is filled, and wake the client if it has enough. */
    void Publish(Context& context, int64_t time_ns) noexcept;

    [[nodiscard]] const StreamSetup& Setup() const noexcept { return control_.Setup(); }

  private:
    CaptureSink(const StreamSetup& setup, const audio::StreamFormat& captured_format,
                std::shared_ptr<audio::Resampler> resampler);

    bool BeginAnew(Context& context) noexcept;
    void DeliverChunk(Context& context, Scratch& scratch,
                      std::span<const std::byte> chunk) noexcept;
    std::span<const float> Decode(Scratch& scratch,
                                  std::span<const std::byte> chunk) noexcept;
    uint32_t TakeRoom(Context& context, uint32_t frames) noexcept;
    template <typename Write>
    void StorePieces(Context& context, uint32_t frames, Write write) noexcept;
    void Store(Context& context, std::span<const float> frames) noexcept;
    void StoreBytes(Context& context, std::span<const std::byte> frames) noexcept;

    StreamControl control_;
    shm::RingArea<std::byte> ring_;
    audio::StreamFormat captured_format_;
    audio::Remixer remixer_;
    std::shared_ptr<audio::Resampler> resampler_;  // null where the rates are the same
    uint64_t filled_ = 0;
    bool has_stale_resampler_ = false;  // it holds frames of an earlier start
    uint64_t last_reset_ = UINT64_MAX;  // the count of cycles when it was cleared
    uint32_t latency_frames_ = 0;
    int64_t cost_ns_ = 0;
    bool same_format_;
};

}  // namespace shmd::render
