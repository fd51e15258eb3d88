#include "render/capture_sink.h"

#include "audio/convert.h"
#include "base/clock.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <utility>

namespace shmd::render {

using wire::StreamState;

CaptureSink::CaptureSink(const StreamSetup& setup,
                         const audio::StreamFormat& captured_format)
    : CaptureSink{setup, captured_format,
                  audio::MakeResampler(captured_format.rate_hz, setup.format.rate_hz,
                                       setup.format.channels)} {}

CaptureSink::CaptureSink(const CaptureSink& other,
                         const audio::StreamFormat& captured_format)
    : CaptureSink{other.Setup(), captured_format,
                  other.Setup().format.rate_hz == captured_format.rate_hz
                      ? nullptr
                      : other.resampler_} {
    assert(other.CanShareResampler(captured_format));
}

CaptureSink::CaptureSink(const StreamSetup& setup,
                         const audio::StreamFormat& captured_format,
                         std::shared_ptr<audio::Resampler> resampler)
    : control_{setup, captured_format.rate_hz},
      ring_{setup.capture_ring, setup.format.FrameBytes(), setup.buffer_frames},
      captured_format_{captured_format},
      remixer_{audio::DefaultChannelMap(captured_format.channels), setup.channel_map},
      resampler_{std::move(resampler)},
      same_format_{setup.format == captured_format && remixer_.IsIdentity()} {
    if (!resampler_) return;
    latency_frames_ = static_cast<uint32_t>(std::lround(
        resampler_->LatencyFrames() * setup.format.rate_hz / captured_format.rate_hz));
}

bool CaptureSink::CanShareResampler(
    const audio::StreamFormat& captured_format) const noexcept {
    return Setup().format.rate_hz == captured_format.rate_hz ||
           (resampler_ && captured_format_.rate_hz == captured_format.rate_hz &&
            captured_format_.channels == captured_format.channels);
}

void CaptureSink::GoOnFrom(const CaptureSink& other) noexcept {
    control_ = StreamControl{other.control_, captured_format_.rate_hz};
    filled_ = other.filled_;
    has_stale_resampler_ = resampler_ == other.resampler_ && other.has_stale_resampler_;
}

void CaptureSink::ReadCommand(Context& context, uint64_t device_frame) noexcept {
    switch (control_.ReadCommand(context, device_frame)) {
        case StreamControl::Change::kStarted:
            filled_ = control_.StartFrame();
            has_stale_resampler_ = resampler_ != nullptr;
            break;
        case StreamControl::Change::kResumed:
            control_.Rebase(filled_, device_frame);
            break;
        case StreamControl::Change::kNone:
        case StreamControl::Change::kOther:
            break;
    }
    // A card's capture ends at once when it is drained; what is in the ring stays
    // readable.
    if (control_.State() == StreamState::kDraining) control_.EnterStopped();
}

void CaptureSink::Deliver(Context& context, Scratch& scratch,
                          std::span<const std::byte> captured) noexcept {
    if (same_format_) return StoreBytes(context, captured);
    if (has_stale_resampler_ && !BeginAnew(context)) return;
    const size_t chunk_bytes = size_t{kChunkFrames} * captured_format_.FrameBytes();
    while (!captured.empty() && IsRunning()) {
        const auto chunk = captured.first(std::min(chunk_bytes, captured.size()));
        DeliverChunk(context, scratch, chunk);
        captured = captured.subspan(chunk.size());
    }
}

/**
 * Clear the resampler. That takes long for many channels, so it happens at most once a
 * cycle, however often a client starts.
 * @return false: the recording begins with the next cycle
 */
bool CaptureSink::BeginAnew(Context& context) noexcept {
    const uint64_t cycle = context.Count().cycles.load(std::memory_order_relaxed);
    if (std::exchange(last_reset_, cycle) == cycle) return false;
    resampler_->Reset();
    has_stale_resampler_ = false;
    return true;
}

/** `chunk` as floats, in the client's channels. */
std::span<const float> CaptureSink::Decode(Scratch& scratch,
                                           std::span<const std::byte> chunk) noexcept {
    const auto frames =
        static_cast<uint32_t>(chunk.size() / captured_format_.FrameBytes());
    const std::span decoded{scratch.decoded.data(),
                            size_t{frames} * captured_format_.channels};
    const std::span remixed{scratch.remixed.data(),
                            size_t{frames} * Setup().format.channels};
    audio::ToFloat(captured_format_.sample, chunk, decoded);
    remixer_.Apply(decoded, remixed, frames);
    return remixed;
}

int64_t CaptureSink::Rehearse(Rehearsal& room) noexcept {
    const uint32_t channels = Setup().format.channels;
    const size_t bytes = size_t{kChunkFrames} * captured_format_.FrameBytes();
    std::span<const float> made = Decode(room.scratch, std::span{room.in}.first(bytes));
    uint32_t taken = kChunkFrames;
    if (resampler_) {
        const std::span out{room.scratch.resampled.data(), made.size()};
        const auto progress = resampler_->Process(made, out);
        resampler_->Reset();
        taken = progress.in_frames;
        made = out.first(size_t{progress.out_frames} * channels);
    }
    const audio::SampleFormat format = Setup().format.sample;
    audio::FromFloat(format, made,
                     std::span{room.out}.first(made.size() * audio::SampleBytes(format)));
    return base::MulDiv(taken, base::kNsPerSecond, captured_format_.rate_hz);
}

void CaptureSink::DeliverChunk(Context& context, Scratch& scratch,
                               std::span<const std::byte> chunk) noexcept {
    const uint32_t channels = Setup().format.channels;
    std::span<const float> in = Decode(scratch, chunk);
    if (!resampler_) return Store(context, in);
    const std::span out{scratch.resampled.data(), size_t{kChunkFrames} * channels};
    for (;;) {
        const auto progress = resampler_->Process(in, out);
        Store(context, out.first(size_t{progress.out_frames} * channels));
        in = in.subspan(size_t{progress.in_frames} * channels);
        if (progress.out_frames < kChunkFrames || !IsRunning()) return;
    }
}

/** How many of `frames` the ring takes; an xrun, or a fault, when it is full. */
uint32_t CaptureSink::TakeRoom(Context& context, uint32_t frames) noexcept {
    const uint64_t taken_untrusted = control_.WrittenUntrusted();
    const auto used = static_cast<int64_t>(filled_ - taken_untrusted);
    if (used < 0) {
        control_.EnterFault(context, Fault::kWritten, taken_untrusted);
        return 0;
    }
    const uint64_t avail = static_cast<uint64_t>(used) + frames;
    if (avail < control_.StopThreshold()) return frames;
    const uint64_t room =
        ring_.BufferFrames() -
        std::min<uint64_t>(static_cast<uint64_t>(used), ring_.BufferFrames());
    const auto stored = static_cast<uint32_t>(std::min<uint64_t>(room, frames));
    control_.EnterXrun(context, Event::kOverrun, frames - stored, filled_ + stored);
    return stored;
}

void CaptureSink::LoseFrames(Context& context, uint64_t device_frames) noexcept {
    if (!IsRunning()) return;
    const auto lost = static_cast<uint64_t>(
        base::MulDiv(static_cast<int64_t>(device_frames), Setup().format.rate_hz,
                     captured_format_.rate_hz));
    if (control_.StopThreshold() <= ring_.BufferFrames())
        control_.EnterXrun(context, Event::kOverrun, lost, filled_);
    else
        control_.ReportXrun(context, Event::kOverrun, lost, filled_);
}

template <typename Write>
void CaptureSink::StorePieces(Context& context, uint32_t frames, Write write) noexcept {
    // A piece is at most a ring: a client that lets itself be overrun may have a tiny
    // one.
    for (uint32_t done = 0; done < frames && IsRunning();) {
        const uint32_t piece = std::min(frames - done, ring_.BufferFrames());
        const uint32_t stored = TakeRoom(context, piece);
        write(ring_.Runs(filled_, stored), done);
        filled_ += stored;
        Counters::Add(Setup().counters->frames, stored);
        done += piece;
    }
}

void CaptureSink::Store(Context& context, std::span<const float> frames) noexcept {
    const audio::StreamFormat& format = Setup().format;
    const auto count = static_cast<uint32_t>(frames.size() / format.channels);
    StorePieces(context, count, [&](shm::RingRuns<std::byte> runs, uint32_t done) {
        auto rest = frames.subspan(size_t{done} * format.channels);
        for (const auto run : {runs.first, runs.second}) {
            const size_t samples = run.size() / audio::SampleBytes(format.sample);
            audio::FromFloat(format.sample, rest.first(samples), run);
            rest = rest.subspan(samples);
        }
    });
}

void CaptureSink::StoreBytes(Context& context,
                             std::span<const std::byte> frames) noexcept {
    const auto count = static_cast<uint32_t>(frames.size() / ring_.FrameBytes());
    StorePieces(context, count, [&](shm::RingRuns<std::byte> runs, uint32_t done) {
        auto rest = frames.subspan(size_t{done} * ring_.FrameBytes());
        for (const auto run : {runs.first, runs.second}) {
            std::ranges::copy(rest.first(run.size()), run.begin());
            rest = rest.subspan(run.size());
        }
    });
}

void CaptureSink::Publish(Context& context, int64_t time_ns) noexcept {
    const auto used = static_cast<int64_t>(filled_ - control_.WrittenUntrusted());
    control_.Publish(context, filled_, time_ns, filled_, latency_frames_);
    if (IsRunning() && used >= 0 && static_cast<uint64_t>(used) >= control_.AvailMin())
        control_.Wake(context);
}

}  // namespace shmd::render
