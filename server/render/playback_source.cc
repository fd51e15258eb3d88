#include "render/playback_source.h"

#include "audio/convert.h"
#include "audio/mix.h"
#include "base/clock.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <utility>

namespace shmd::render {

using wire::StreamState;

namespace {

// Long enough not to click, short enough to follow a fader.
constexpr uint32_t kGainRampMs = 10;

shm::RingArea<const std::byte> RingOf(const StreamSetup& setup) noexcept {
    const uint32_t frame_bytes = setup.format.FrameBytes();
    return {setup.playback_ring, frame_bytes,
            static_cast<uint32_t>(setup.playback_ring.size() / frame_bytes)};
}

/** 0 is what a client says that wrote nothing into the card's ring: never a place. */
uint32_t NextSerial(uint32_t serial) noexcept {
    return serial == UINT32_MAX ? 1 : serial + 1;
}

uint32_t LatencyOf(const std::shared_ptr<audio::Resampler>& resampler) {
    return resampler ? static_cast<uint32_t>(std::lround(resampler->LatencyFrames())) : 0;
}

}  // namespace

PlaybackSource::PlaybackSource(const StreamSetup& setup,
                               const audio::StreamFormat& device_format,
                               uint32_t device_latency_frames)
    : PlaybackSource{setup, device_format, device_latency_frames,
                     audio::MakeResampler(setup.format.rate_hz, device_format.rate_hz,
                                          device_format.channels)} {}

PlaybackSource::PlaybackSource(const PlaybackSource& other,
                               const audio::StreamFormat& device_format,
                               uint32_t device_latency_frames)
    : PlaybackSource{other.Setup(), device_format, device_latency_frames,
                     other.Setup().format.rate_hz == device_format.rate_hz
                         ? nullptr
                         : other.resampler_} {
    assert(other.CanShareResampler(device_format));
}

PlaybackSource::PlaybackSource(const StreamSetup& setup,
                               const audio::StreamFormat& device_format,
                               uint32_t device_latency_frames,
                               std::shared_ptr<audio::Resampler> resampler)
    : control_{setup, device_format.rate_hz},
      reader_{RingOf(setup), setup.client_block->written_frames},
      remixer_{setup.channel_map, audio::DefaultChannelMap(device_format.channels)},
      resampler_{std::move(resampler)},
      gain_{setup.gain, device_format.rate_hz * kGainRampMs / 1000},
      gain_target_{setup.gain},
      device_rate_hz_{device_format.rate_hz},
      device_channels_{device_format.channels},
      device_latency_frames_{device_latency_frames},
      resampler_latency_frames_{LatencyOf(resampler_)},
      latency_frames_{
          resampler_latency_frames_ +
          static_cast<uint32_t>(base::MulDiv(device_latency_frames, setup.format.rate_hz,
                                             device_format.rate_hz))},
      direct_{wire::DirectPlace::Unpack(
          setup.server_block->direct.load(std::memory_order_relaxed))},
      same_format_{setup.format == device_format && remixer_.IsIdentity()} {
    ForbidDirect();  // a place on another device
}

bool PlaybackSource::CanShareResampler(
    const audio::StreamFormat& device_format) const noexcept {
    return Setup().format.rate_hz == device_format.rate_hz ||
           (resampler_ && device_rate_hz_ == device_format.rate_hz &&
            device_channels_ == device_format.channels);
}

void PlaybackSource::GoOnFrom(const PlaybackSource& other, Rest rest) noexcept {
    control_ = StreamControl{other.control_, device_rate_hz_};
    const uint64_t ring_frames = reader_.Area().BufferFrames();
    const uint64_t written = control_.WrittenUntrusted();
    uint64_t next = other.reader_.Position();
    // Its client may have written over frames that the old device was given already. What
    // claims more than the ring holds is a lie, and found where it is read.
    if (rest == Rest::kLost && written - next <= ring_frames)
        next = std::max(std::min(next, other.published_frame_),
                        written - std::min(written, ring_frames));
    // A resampler that goes on with the next frame still holds the frames before it.
    const bool has_same = resampler_ && resampler_ == other.resampler_;
    const bool goes_on =
        has_same && next == other.reader_.Position() && !other.has_stale_resampler_;
    has_stale_resampler_ = has_same && !goes_on;
    tail_frames_ = goes_on ? other.tail_frames_ : resampler_latency_frames_;
    reader_.Seek(next);
    published_frame_ = other.published_frame_;
    SetGain(other.gain_target_.load(std::memory_order_relaxed));
    has_moved_ = true;
}

void PlaybackSource::ReadCommand(Context& context, uint64_t device_frame) noexcept {
    if (std::exchange(has_moved_, false))
        control_.Rebase(reader_.Position(), device_frame);
    switch (control_.ReadCommand(context, device_frame)) {
        case StreamControl::Change::kStarted:
            ForbidDirect();
            reader_.Seek(control_.StartFrame());
            has_stale_resampler_ = true;
            tail_frames_ = resampler_latency_frames_;
            is_drained_ = false;
            break;
        case StreamControl::Change::kResumed:
            ForbidDirect();  // its client waits for another place
            control_.Rebase(reader_.Position(), device_frame);
            break;
        case StreamControl::Change::kNone:
        case StreamControl::Change::kOther:
            break;
    }
    if (IsRunning()) UpdateGain();
}

void PlaybackSource::UpdateGain() noexcept {
    gain_.SetTarget(gain_target_.load(std::memory_order_relaxed));
}

bool PlaybackSource::IsShortOf(Context& context, uint64_t device_frame) noexcept {
    if (control_.State() != StreamState::kRunning || control_.IsSuperseded())
        return false;
    const uint64_t end = reader_.Position() + ReadyFrames(context);
    return static_cast<int64_t>(control_.FrameAt(device_frame) - end) > 0;
}

void PlaybackSource::CopyInto(Context& context, std::span<std::byte> block,
                              uint64_t device_frame) noexcept {
    if (is_drained_) return audio::FillSilence(Setup().format.sample, block);
    const uint32_t frame_bytes = reader_.Area().FrameBytes();
    const auto frames = static_cast<uint32_t>(block.size() / frame_bytes);
    const uint32_t copied = std::min(frames, ReadyFrames(context));
    const auto runs = reader_.Runs(copied);
    std::memcpy(block.data(), runs.first.data(), runs.first.size());
    if (!runs.second.empty())
        std::memcpy(block.data() + runs.first.size(), runs.second.data(),
                    runs.second.size());
    audio::FillSilence(Setup().format.sample,
                       block.subspan(size_t{copied} * frame_bytes));
    Consume({copied, true});
    const uint32_t missing = frames - copied;
    if (missing > 0 && IsRunning() &&
        SilenceIsAllowed(context, missing, device_frame + copied))
        Consume({missing, false});
}

bool PlaybackSource::AddPlain(Context& context, BlockMix& mix, uint32_t frames) noexcept {
    const bool is_plain = !resampler_ && remixer_.IsIdentity() && gain_.IsSteady();
    if (!is_plain || is_drained_) return false;
    const uint32_t ready = ReadyFrames(context);
    if (!IsRunning() || ready < frames) return false;
    mix.Add(Setup().format.sample, reader_.Runs(frames), gain_.Gain());
    Consume({frames, true});
    return true;
}

void PlaybackSource::MixInto(Context& context, Scratch& scratch, std::span<float> mix,
                             uint64_t device_frame) noexcept {
    const auto frames = static_cast<uint32_t>(mix.size() / device_channels_);
    for (uint32_t done = 0; done < frames && IsRunning() && !is_drained_;) {
        const uint32_t chunk = std::min(frames - done, kChunkFrames);
        const uint32_t made =
            resampler_ ? Resampled(context, scratch, chunk, device_frame + done)
                       : Direct(context, scratch, chunk, device_frame + done);
        float* const output =
            resampler_ ? scratch.resampled.data() : scratch.remixed.data();
        const std::span samples{output, size_t{made} * device_channels_};
        gain_.Apply(samples, device_channels_);
        audio::MixAdd(mix.subspan(size_t{done} * device_channels_, samples.size()),
                      samples);
        done += made;
    }
}

uint32_t PlaybackSource::Direct(Context& context, Scratch& scratch, uint32_t frames,
                                uint64_t device_frame) noexcept {
    const Fetched fetched = Fetch(context, scratch, frames, device_frame);
    Consume(fetched);
    return fetched.frames;
}

uint32_t PlaybackSource::Resampled(Context& context, Scratch& scratch, uint32_t frames,
                                   uint64_t device_frame) noexcept {
    if (std::exchange(has_stale_resampler_, false)) resampler_->Reset();
    uint32_t made = 0;
    while (made < frames && IsRunning() && !is_drained_) {
        const Fetched fetched =
            Fetch(context, scratch, kChunkFrames, device_frame + made);
        const std::span in{scratch.remixed.data(),
                           size_t{fetched.frames} * device_channels_};
        const std::span out{scratch.resampled.data() + size_t{made} * device_channels_,
                            size_t{frames - made} * device_channels_};
        const auto progress = resampler_->Process(in, out);
        Consume({progress.in_frames, fetched.from_ring});
        made += progress.out_frames;
    }
    return made;
}

/** How many frames the ring has; none, and a fault, where its writer lies. */
uint32_t PlaybackSource::ReadyFrames(Context& context) noexcept {
    const auto [status, ready] = reader_.Peek();
    // Who starts anew stores his new frames after the command that ends the old epoch:
    // the command, then, was read too early for them.
    if (control_.IsSuperseded()) return 0;
    if (status == shm::RingStatus::kFault)
        control_.EnterFault(context, Fault::kWritten, control_.WrittenUntrusted());
    return ready;
}

PlaybackSource::Fetched PlaybackSource::Fetch(Context& context, Scratch& scratch,
                                              uint32_t frames,
                                              uint64_t device_frame) noexcept {
    const uint32_t ready = ReadyFrames(context);
    if (!IsRunning()) return {0, false};
    if (ready == 0) return FetchSilence(context, scratch, frames, device_frame);
    const auto run = reader_.Runs(std::min(frames, ready)).first;
    const auto fetched = static_cast<uint32_t>(run.size() / reader_.Area().FrameBytes());
    Decode(scratch, run, fetched);
    return {fetched, true};
}

/** `run`, `frames` of the client's, as floats in the device's channels: in `remixed`. */
void PlaybackSource::Decode(Scratch& scratch, std::span<const std::byte> run,
                            uint32_t frames) noexcept {
    const audio::StreamFormat& format = Setup().format;
    const std::span decoded{scratch.decoded.data(), size_t{frames} * format.channels};
    const std::span remixed{scratch.remixed.data(), size_t{frames} * device_channels_};
    if (remixer_.IsIdentity()) return audio::ToFloat(format.sample, run, remixed);
    audio::ToFloat(format.sample, run, decoded);
    remixer_.Apply(decoded, remixed, frames);
}

int64_t PlaybackSource::Rehearse(Rehearsal& room) noexcept {
    Scratch& scratch = room.scratch;
    const audio::StreamFormat& format = Setup().format;
    const size_t bytes = size_t{kChunkFrames} * format.FrameBytes();
    Decode(scratch, std::span{room.in}.first(bytes), kChunkFrames);
    uint32_t taken = kChunkFrames;
    size_t made = size_t{kChunkFrames} * device_channels_;
    float* output = scratch.remixed.data();
    if (resampler_) {
        const auto progress = resampler_->Process({scratch.remixed.data(), made},
                                                  {scratch.resampled.data(), made});
        resampler_->Reset();
        taken = progress.in_frames;
        made = size_t{progress.out_frames} * device_channels_;
        output = scratch.resampled.data();
    }
    gain_.Apply({output, made}, device_channels_);
    audio::MixAdd({scratch.decoded.data(), made}, {output, made});
    return base::MulDiv(taken, base::kNsPerSecond, format.rate_hz);
}

PlaybackSource::Fetched PlaybackSource::FetchSilence(Context& context, Scratch& scratch,
                                                     uint32_t frames,
                                                     uint64_t device_frame) noexcept {
    const bool is_tail = control_.State() == StreamState::kDraining && tail_frames_ > 0;
    if (is_tail) frames = std::min(frames, tail_frames_);
    if (!is_tail && !SilenceIsAllowed(context, frames, device_frame)) return {0, false};
    std::fill_n(scratch.remixed.begin(), size_t{frames} * device_channels_, 0.0F);
    return {frames, false};
}

/** The ring is empty. Decide: an end, an xrun, or silence in the client's place. */
bool PlaybackSource::SilenceIsAllowed(Context& context, uint32_t frames,
                                      uint64_t device_frame) noexcept {
    if (control_.State() == StreamState::kDraining) {
        is_drained_ = true;
        drained_at_ = device_frame;
        return false;
    }
    if (control_.IsSuperseded()) return true;
    // ALSA's rule: stop when avail, here with the missing frames gone, is at the
    // threshold.
    if (AvailAt(reader_.Position() + frames) < control_.StopThreshold()) return true;
    control_.EnterXrun(context, Event::kUnderrun, frames, reader_.Position());
    return false;
}

void PlaybackSource::Consume(Fetched fetched) noexcept {
    if (fetched.from_ring) Counters::Add(Setup().counters->frames, fetched.frames);
    if (!fetched.from_ring && control_.State() == StreamState::kDraining)
        tail_frames_ -= std::min(tail_frames_, fetched.frames);
    else
        reader_.Advance(fetched.frames);
}

bool PlaybackSource::AllowDirect(uint32_t place) noexcept {
    const uint32_t ring = ring_frames_.load(std::memory_order_acquire);
    if (ring == 0) {
        ForbidDirect();
        return false;
    }
    const auto begin = static_cast<uint32_t>(reader_.Position() % ring);
    const uint32_t offset = (place + ring - begin) % ring;
    if (direct_.offset == offset) return true;
    direct_ = {NextSerial(direct_.serial), offset};
    Setup().server_block->direct.store(direct_.Pack(), std::memory_order_release);
    return true;
}

void PlaybackSource::ForbidDirect() noexcept {
    if (!direct_.offset) return;
    direct_.offset.reset();
    Setup().server_block->direct.store(direct_.Pack(), std::memory_order_release);
}

bool PlaybackSource::IsDirect(Context& context, uint32_t frames) noexcept {
    // Frames first (acquire): the client says how it wrote them before it says that it
    // did.
    if (!direct_.offset || ReadyFrames(context) < frames) return false;
    const wire::ClientBlock& client = *Setup().client_block;
    return client.direct_used.load(std::memory_order_acquire) == direct_.serial &&
           client.direct_from.load(std::memory_order_relaxed) <= reader_.Position();
}

void PlaybackSource::SkipDirect(uint32_t frames) noexcept {
    Counters::Add(Setup().counters->direct_frames, frames);
    Consume({frames, true});
}

void PlaybackSource::EndDrain(uint64_t played) noexcept {
    if (control_.State() == StreamState::kDraining && is_drained_ &&
        played >= drained_at_ + device_latency_frames_)
        control_.EnterStopped();
}

void PlaybackSource::Publish(Context& context, uint64_t played,
                             int64_t time_ns) noexcept {
    const uint64_t frame = std::min(control_.FrameAt(played), reader_.Position());
    published_frame_ = frame;
    const uint64_t avail = std::min<uint64_t>(AvailAt(frame), Setup().buffer_frames);
    const bool is_running = control_.State() == StreamState::kRunning;
    // Below a whole buffer: with all of it played, the next block finds the underrun
    // itself.
    if (is_running && avail >= control_.StopThreshold() && avail < Setup().buffer_frames)
        control_.EnterXrun(context, Event::kUnderrun, 0, frame);
    control_.Publish(context, frame, time_ns, reader_.Position(), latency_frames_);
    if (is_running && avail >= control_.AvailMin()) control_.Wake(context);
}

uint64_t PlaybackSource::AvailAt(uint64_t frame) const noexcept {
    const uint64_t buffer = Setup().buffer_frames;
    const uint64_t queued = control_.WrittenUntrusted() - frame;
    // Beyond half of all numbers it lies behind: as many frames more than the buffer.
    if (static_cast<int64_t>(queued) < 0) return buffer + (0 - queued);
    return buffer - std::min(queued, buffer);
}

}  // namespace shmd::render
