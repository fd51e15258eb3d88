#pragma once

#include "audio/channel_map.h"
#include "audio/gain.h"
#include "audio/resample.h"
#include "render/block_mix.h"
#include "render/rehearsal.h"
#include "render/scratch.h"
#include "render/stream_control.h"
#include "shm/ring.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>

namespace shmd::render {

/**
 * One playing client: its ring's frames, in the device's rate and channels.
 *
 * Thread: audio, but for construction and SetGain.  Realtime: yes.
 */
class PlaybackSource {
  public:
    /** @param device_latency_frames  between the device's position and what is heard */
    PlaybackSource(const StreamSetup& setup, const audio::StreamFormat& device_format,
                   uint32_t device_latency_frames = 0);

    /** What became of `other` when its device went away, or will be asked to go. */
    enum class Rest {
        kHeard,  // the old device has played everything that it was given
        kLost,   // it has not: what it had not reached is played again
    };

    /**
     * Whether the same stream on a device of that format can use this one's resampler, or
     * needs none: it is then made quickly.
     */
    [[nodiscard]] bool CanShareResampler(
        const audio::StreamFormat& device_format) const noexcept;

    /** For the same stream on such a device, with the resampler of `other`, if it has
     * one. The two are never used at the same time. */
    PlaybackSource(const PlaybackSource& other, const audio::StreamFormat& device_format,
                   uint32_t device_latency_frames);

    /**
     * Go on from where the same stream was on another device, without losing a frame.
     * @pre this is new, and the audio thread has let go of `other`
     */
    void GoOnFrom(const PlaybackSource& other, Rest rest) noexcept;

    /** Look at the client's command; `device_frame` is the first not rendered yet. */
    void ReadCommand(Context& context, uint64_t device_frame) noexcept;

    [[nodiscard]] bool IsRunning() const noexcept { return control_.IsRunning(); }
    [[nodiscard]] uint32_t MostCycleFrames() const noexcept {
        return control_.MostCycleFrames();
    }

    /** Whether an underrun stops it: it does not play silence in place of what it lacks.
     */
    [[nodiscard]] bool StopsAtItsEnd() const noexcept {
        return control_.StopThreshold() <= Setup().buffer_frames;
    }

    /** Whether it runs and lacks frames to be heard before `device_frame`. */
    [[nodiscard]] bool IsShortOf(Context& context, uint64_t device_frame) noexcept;

    /** Whether the client's bytes are the device's: same format, rate, channels, unity
     * gain. */
    [[nodiscard]] bool IsExact() const noexcept {
        return same_format_ && gain_.IsUnity();
    }

    // --- what it costs

    /** Whether its samples are merely converted and added: same rate and channels. */
    [[nodiscard]] bool IsPlain() const noexcept {
        return !resampler_ && remixer_.IsIdentity();
    }

    /**
     * Convert and add some silence, as in a cycle; it is as new after that.
     * @return how long that would sound, in ns. Thread: the loop's, before it is planned.
     */
    int64_t Rehearse(Rehearsal& room) noexcept;

    /** Nanoseconds of a processor for a second of sound. Set before it is planned. */
    void SetCostNs(int64_t cost_ns) noexcept { cost_ns_ = cost_ns; }
    [[nodiscard]] int64_t CostNs() const noexcept { return cost_ns_; }

    /** An xrun, since the thread's time is used up. */
    void StopForItsCost(Context& context) noexcept {
        control_.EnterXrun(context, Event::kOverload,
                           static_cast<uint64_t>(cost_ns_) / 1000, reader_.Position());
    }

    /** Fill `block`, from `device_frame` on, with the client's bytes. @pre IsExact() */
    void CopyInto(Context& context, std::span<std::byte> block,
                  uint64_t device_frame) noexcept;

    /**
     * Have the next `frames` frames added as they lie in the ring, where nothing else is
     * to be done with them and they are all there.
     * @return false: it is for MixInto
     */
    bool AddPlain(Context& context, BlockMix& mix, uint32_t frames) noexcept;

    /** Add the client's frames from `device_frame` on to `mix`, in the device's channels.
     */
    void MixInto(Context& context, Scratch& scratch, std::span<float> mix,
                 uint64_t device_frame) noexcept;

    // --- direct mode: the client writes into the card's own ring as well

    /** Its client may write into a ring of so many frames; 0: it may not. Thread: any. */
    void GrantRing(uint32_t ring_frames) noexcept {
        ring_frames_.store(ring_frames, std::memory_order_release);
    }

    /**
     * The next frame's place in the ring is `place`: let the client write there.
     * @return whether it was granted the ring
     */
    bool AllowDirect(uint32_t place) noexcept;
    /** The server renders; what the client writes into the ring counts for nothing. */
    void ForbidDirect() noexcept;
    /** Whether the next `frames` frames are in the ring already, by its client's hand. */
    [[nodiscard]] bool IsDirect(Context& context, uint32_t frames) noexcept;
    /** Go on by as many. @pre IsDirect */
    void SkipDirect(uint32_t frames) noexcept;

    /** A drained stream stops when its last frame was heard. */
    void EndDrain(uint64_t played) noexcept;

    /**
     * Publish the position and wake the client if it has room, or an end, to hear of.
     * @param played   the device's position
     * @param time_ns  when it was there
     */
    void Publish(Context& context, uint64_t played, int64_t time_ns) noexcept;

    /** Linear, 0.0 to 4.0. Thread: any. */
    void SetGain(float gain) noexcept {
        gain_target_.store(gain, std::memory_order_relaxed);
    }

    [[nodiscard]] const StreamSetup& Setup() const noexcept { return control_.Setup(); }

  private:
    PlaybackSource(const StreamSetup& setup, const audio::StreamFormat& device_format,
                   uint32_t device_latency_frames,
                   std::shared_ptr<audio::Resampler> resampler);

    /** Frames at hand: from the ring, or the silence of a drain's tail or of a late
     * client. */
    struct Fetched {
        uint32_t frames;
        bool from_ring;
    };

    uint32_t ReadyFrames(Context& context) noexcept;
    Fetched Fetch(Context& context, Scratch& scratch, uint32_t frames,
                  uint64_t device_frame) noexcept;
    Fetched FetchSilence(Context& context, Scratch& scratch, uint32_t frames,
                         uint64_t device_frame) noexcept;
    void Consume(Fetched fetched) noexcept;
    uint32_t Direct(Context& context, Scratch& scratch, uint32_t frames,
                    uint64_t device_frame) noexcept;
    uint32_t Resampled(Context& context, Scratch& scratch, uint32_t frames,
                       uint64_t device_frame) noexcept;
    bool SilenceIsAllowed(Context& context, uint32_t frames,
                          uint64_t device_frame) noexcept;
    void Decode(Scratch& scratch, std::span<const std::byte> run,
                uint32_t frames) noexcept;
    void UpdateGain() noexcept;
    /** With the frames before `frame` gone; more than the buffer if it was not written.
     */
    [[nodiscard]] uint64_t AvailAt(uint64_t frame) const noexcept;

    StreamControl control_;
    shm::RingReader reader_;
    audio::Remixer remixer_;
    std::shared_ptr<audio::Resampler> resampler_;  // null where the rates are the same
    audio::GainRamp gain_;
    std::atomic<float> gain_target_;
    uint32_t device_rate_hz_;
    uint32_t device_channels_;
    uint32_t device_latency_frames_;     // in the device's frames
    uint32_t resampler_latency_frames_;  // this and the next in the client's frames
    uint32_t latency_frames_;            // of both
    uint64_t published_frame_ = 0;
    bool has_moved_ = false;  // its frames have no place in this device's count yet
    // It has started since it was mixed last: the resampler has the frames of another
    // start. Cleared there, so at most once a block, however often a client starts.
    bool has_stale_resampler_ = false;
    uint32_t tail_frames_ = 0;  // silence that still has to follow a drained stream
    uint64_t drained_at_ = 0;   // the device's frame after the last one, once known
    bool is_drained_ = false;
    std::atomic<uint32_t> ring_frames_{0};
    wire::DirectPlace direct_;  // what its client was told
    int64_t cost_ns_ = 0;
    bool same_format_;
};

}  // namespace shmd::render
