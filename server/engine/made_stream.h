#pragma once

#include "audio/format.h"
#include "engine/endpoint.h"
#include "render/capture_sink.h"
#include "render/playback_source.h"
#include "render/stream_setup.h"

#include <cstdint>
#include <memory>

namespace shmd::engine {

/** The properties of a device that a stream depends on, and is made for. */
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

/** Whether MakeStream takes microseconds, or a fraction of a millisecond for many
 * channels. Otherwise it may take tens of milliseconds, because it builds the tables of a
 * resampler. Thread: any. */
[[nodiscard]] bool IsQuicklyMade(const StreamTarget& target,
                                 const render::StreamSetup& setup) noexcept;

/** Make a stream and measure its cost.  Thread: any but an audio thread.
 * Errors: std::system_error, std::bad_alloc. */
[[nodiscard]] MadeStream MakeStream(const StreamTarget& target,
                                    const render::StreamSetup& setup);

/** Whether MoveStream makes no resampler: the old one fits, or none is needed. */
[[nodiscard]] bool IsQuicklyMoved(const StreamTarget& target,
                                  const MadeStream& old) noexcept;

/**
 * Make the stream `old` for another device; it goes on from where `old` is: see GoOnFrom.
 * If it IsQuicklyMoved, the two share one resampler.
 * Thread: any but an audio thread.  Errors: as MakeStream, and `old` is as before.
 */
[[nodiscard]] MadeStream MoveStream(const StreamTarget& target, const MadeStream& old,
                                    render::PlaybackSource::Rest rest);

/** Have `made`, which is new, go on from where the same stream was on another device.
 * @param rest  what became of its last frames there.  Thread: loop. */
void GoOnFrom(const MadeStream& made, const MadeStream& old,
              render::PlaybackSource::Rest rest) noexcept;

}  // namespace shmd::engine
