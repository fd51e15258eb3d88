#pragma once

#include "render/capture_sink.h"
#include "render/playback_source.h"

#include <cstdint>

namespace shmd::engine {

/**
 * What a stream takes of a processor: nanoseconds for a second of sound.
 *
 * Streams that are neither remixed nor resampled are not measured: so much for each
 * cycle and each sample. For the others their own conversion is run on a few hundred
 * frames of silence, three times, and the least counts: well below a millisecond. The
 * stream is as new after that.
 *
 * @param device_rate_hz  of the device that it is for
 * Thread: any; no other may use the stream.  Errors: std::bad_alloc.
 */
int64_t MeasureCostNs(render::PlaybackSource& source, uint32_t device_rate_hz);
int64_t MeasureCostNs(render::CaptureSink& sink, uint32_t device_rate_hz);

}  // namespace shmd::engine
