#pragma once

#include "render/capture_sink.h"
#include "render/playback_source.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace shmd::render {

/**
 * Who plays and who records on one device. Made by the loop, never changed after it was
 * published; the audio thread works by the newest and hands the old one back, and with it
 * the streams that are no longer in any.
 */
struct Plan {
    std::vector<std::shared_ptr<PlaybackSource>> sources;
    std::vector<std::shared_ptr<CaptureSink>> recorders;  // of what the device captures
    std::vector<std::shared_ptr<CaptureSink>> monitors;   // of what the device plays
    uint32_t rings_returned = 0;  // how often a client gave the card's ring back, or went
};

}  // namespace shmd::render
