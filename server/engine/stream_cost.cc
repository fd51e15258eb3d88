#include "engine/stream_cost.h"

#include "base/clock.h"
#include "render/processor_time.h"
#include "render/rehearsal.h"

#include <algorithm>
#include <memory>

namespace shmd::engine {

namespace {

// Looking at a stream's words and publishing its position, and a sample that is copied or
// converted: more than they take on any machine that bench/run was on.
constexpr int64_t kCycleNs = 1000;
constexpr int64_t kSampleNs = 1;
constexpr int kRehearsals = 3;

template <typename Stream>
int64_t PlainCostNs(const Stream& stream, uint32_t device_rate_hz) {
    const audio::StreamFormat& format = stream.Setup().format;
    const uint32_t cycle_frames = std::max(stream.MostCycleFrames(), 1U);
    return kCycleNs * (device_rate_hz / cycle_frames + 1) +
           kSampleNs * format.rate_hz * format.channels;
}

/** Nanoseconds for a second of sound. */
template <typename Stream>
int64_t RehearseNs(Stream& stream, render::Rehearsal& room) {
    const int64_t before_ns = render::ThreadProcessorTimeNs();
    const int64_t sound_ns = stream.Rehearse(room);
    const int64_t took_ns = render::ThreadProcessorTimeNs() - before_ns;
    return base::MulDiv(took_ns, base::kNsPerSecond, std::max<int64_t>(sound_ns, 1));
}

template <typename Stream>
int64_t MeasureNs(Stream& stream, uint32_t device_rate_hz) {
    const int64_t plain_ns = PlainCostNs(stream, device_rate_hz);
    if (stream.IsPlain()) return plain_ns;
    const auto room = std::make_unique<render::Rehearsal>();
    int64_t least_ns = RehearseNs(stream, *room);
    for (int i = 1; i < kRehearsals; ++i)
        least_ns = std::min(least_ns, RehearseNs(stream, *room));
    return plain_ns + least_ns;
}

}  // namespace

int64_t MeasureCostNs(render::PlaybackSource& source, uint32_t device_rate_hz) {
    return MeasureNs(source, device_rate_hz);
}

int64_t MeasureCostNs(render::CaptureSink& sink, uint32_t device_rate_hz) {
    return MeasureNs(sink, device_rate_hz);
}

}  // namespace shmd::engine
