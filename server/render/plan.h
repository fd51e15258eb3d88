#pragma once

#include "render/capture_sink.h"
#include "render/playback_source.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace shmd::render {

/**
 * The streams that play and record on one device. The loop makes a plan and never changes
 * it after publishing. The audio thread uses the newest plan and hands the old one back,
 * and with it the streams that are in no plan any more.
 */
struct Plan {
    std::vector<std::shared_ptr<PlaybackSource>> sources;
    std::vector<std::shared_ptr<CaptureSink>> recorders;  // of what the device captures
    std::vector<std::shared_ptr<CaptureSink>> monitors;   // of what the device plays
    uint32_t rings_returned = 0;  // how often a client gave the card's ring back, or went
};

}  // namespace shmd::render
