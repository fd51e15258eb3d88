#pragma once

#include "render/capture_sink.h"
#include "render/playback_source.h"

#include <cstdint>

namespace shmd::engine {

/**
 * The processor time that a stream takes: nanoseconds for a second of sound.
 *
 * A stream that is neither remixed nor resampled is not measured; it counts a fixed cost
 * for each cycle and each sample. For any other this runs the stream's own conversion on
 * a few hundred frames of silence, three times, and takes the least time. That takes well
 * below a millisecond, and leaves the stream as new.
 *
 * @param device_rate_hz  of the device that it is for
 * Thread: any; no other may use the stream.  Errors: std::bad_alloc.
 */
int64_t MeasureCostNs(render::PlaybackSource& source, uint32_t device_rate_hz);
int64_t MeasureCostNs(render::CaptureSink& sink, uint32_t device_rate_hz);

}  // namespace shmd::engine
