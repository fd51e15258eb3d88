#include "engine/made_stream.h"

#include "engine/stream_cost.h"

namespace shmd::engine {

bool IsQuicklyMade(const StreamTarget& target,
                   const render::StreamSetup& setup) noexcept {
    return setup.format.rate_hz == target.format.rate_hz;
}

MadeStream MakeStream(const StreamTarget& target, const render::StreamSetup& setup) {
    MadeStream made{.target = target, .source = {}, .sink = {}};
    const uint32_t rate_hz = target.format.rate_hz;
    if (target.kind == EndpointKind::kPlayback) {
        made.source = std::make_shared<render::PlaybackSource>(setup, target.format,
                                                               target.latency_frames);
        made.source->SetCostNs(MeasureCostNs(*made.source, rate_hz));
    } else {
        made.sink = std::make_shared<render::CaptureSink>(setup, target.format);
        made.sink->SetCostNs(MeasureCostNs(*made.sink, rate_hz));
    }
    return made;
}

}  // namespace shmd::engine
