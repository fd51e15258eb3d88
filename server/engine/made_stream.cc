#include "engine/made_stream.h"

#include "engine/stream_cost.h"

namespace shmd::engine {

bool IsQuicklyMade(const StreamTarget& target,
                   const render::StreamSetup& setup) noexcept {
    return setup.format.rate_hz == target.format.rate_hz;
}

namespace {

/** @pre IsQuicklyMoved */
MadeStream ShareResampler(const StreamTarget& target, const MadeStream& old) {
    MadeStream made{.target = target, .source = {}, .sink = {}};
    const auto set_cost = [&](auto& stream) {
        // The same resampler with the same number of channels costs the same. Measuring
        // would lose the frames that it holds.
        stream.SetCostNs(IsQuicklyMade(target, old.Setup())
                             ? MeasureCostNs(stream, target.format.rate_hz)
                             : old.CostNs());
    };
    if (old.source) {
        made.source = std::make_shared<render::PlaybackSource>(*old.source, target.format,
                                                               target.latency_frames);
        set_cost(*made.source);
    } else {
        made.sink = std::make_shared<render::CaptureSink>(*old.sink, target.format);
        set_cost(*made.sink);
    }
    return made;
}

}  // namespace

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

bool IsQuicklyMoved(const StreamTarget& target, const MadeStream& old) noexcept {
    return old.source ? old.source->CanShareResampler(target.format)
                      : old.sink->CanShareResampler(target.format);
}

MadeStream MoveStream(const StreamTarget& target, const MadeStream& old,
                      render::PlaybackSource::Rest rest) {
    MadeStream made = IsQuicklyMoved(target, old) ? ShareResampler(target, old)
                                                  : MakeStream(target, old.Setup());
    GoOnFrom(made, old, rest);
    return made;
}

void GoOnFrom(const MadeStream& made, const MadeStream& old,
              render::PlaybackSource::Rest rest) noexcept {
    if (made.source)
        made.source->GoOnFrom(*old.source, rest);
    else
        made.sink->GoOnFrom(*old.sink);
}

}  // namespace shmd::engine
