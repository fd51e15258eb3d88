#include "engine/made_stream.h"

namespace shmd::engine {

bool IsQuicklyMade(const StreamTarget& target,
                   const render::StreamSetup& setup) noexcept {
    return setup.format.rate_hz == target.format.rate_hz;
}

MadeStream MakeStream(const StreamTarget& target, const render::StreamSetup& setup) {
    MadeStream made{.target = target, .source = {}, .sink = {}};
    if (target.kind == EndpointKind::kPlayback)
        made.source = std::make_shared<render::PlaybackSource>(setup, target.format,
                                                               target.latency_frames);
    else
        made.sink = std::make_shared<render::CaptureSink>(setup, target.format);
    return made;
}

}  // namespace shmd::engine
