#pragma once

#include "audio/format.h"
#include "engine/endpoint.h"
#include "render/capture_sink.h"
#include "render/playback_source.h"
#include "render/stream_setup.h"

#include <cstdint>
#include <memory>

namespace shmd::engine {

/** What a stream is made for: a device, as far as a stream depends on it. */
struct StreamTarget {
    EndpointKind kind = EndpointKind::kPlayback;
    audio::StreamFormat format;
    uint32_t latency_frames = 0;

    bool operator==(const StreamTarget&) const = default;
};

/** A stream that is ready to be put on a device (DeviceRunner::Add). */
struct MadeStream {
    StreamTarget target;
    std::shared_ptr<render::PlaybackSource> source;  // of kPlayback
    std::shared_ptr<render::CaptureSink> sink;       // of the others

    /** Nanoseconds of a processor for a second of sound. */
    [[nodiscard]] int64_t CostNs() const noexcept {
        return source ? source->CostNs() : sink->CostNs();
    }
    /** Whether it is neither remixed nor resampled. */
    [[nodiscard]] bool IsPlain() const noexcept {
        return source ? source->IsPlain() : sink->IsPlain();
    }
    [[nodiscard]] const render::StreamSetup& Setup() const noexcept {
        return source ? source->Setup() : sink->Setup();
    }
};

/** Whether MakeStream takes microseconds, or a fraction of a millisecond
 * for many channels. Else it may take tens of milliseconds: it
 * builds the tables of a resampler. Thread: any. */
[[nodiscard]] bool IsQuicklyMade(const StreamTarget& target,
                                 const render::StreamSetup& setup) noexcept;

/** With its cost measured.  Thread: any but an audio thread.  Errors: std::system_error,
 * std::bad_alloc. */
[[nodiscard]] MadeStream MakeStream(const StreamTarget& target,
                                    const render::StreamSetup& setup);

/** Whether MoveStream takes no longer than that: the resampler fits, or there is none. */
[[nodiscard]] bool IsQuicklyMoved(const StreamTarget& target,
                                  const MadeStream& old) noexcept;

/**
 * The stream `old` for another device, going on from where it is: see GoOnFrom. Where it
 * IsQuicklyMoved the two have one resampler.
 * Thread: any but an audio thread.  Errors: as MakeStream, and `old` is as before.
 */
[[nodiscard]] MadeStream MoveStream(const StreamTarget& target, const MadeStream& old,
                                    render::PlaybackSource::Rest rest);

/** Have `made`, which is new, go on from where the same stream was on another device.
 * @param rest  what became of it there.  Thread: loop. */
void GoOnFrom(const MadeStream& made, const MadeStream& old,
              render::PlaybackSource::Rest rest) noexcept;

}  // namespace shmd::engine
