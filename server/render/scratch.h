#pragma once

#include "audio/channel_map.h"

#include <array>
#include <cstdint>
#include <span>

namespace shmd::render {

/** Frames that are converted at once: their floats stay in the first-level cache. */
inline constexpr uint32_t kChunkFrames = 256;

/** Room for one chunk at each step of a conversion, shared by all streams of a device. */
struct Scratch {
    using Chunk = std::array<float, size_t{kChunkFrames} * audio::kMaxChannels>;

    Chunk decoded;    // the stream's samples as floats
    Chunk remixed;    // with the other side's channels
    Chunk resampled;  // at the other side's rate
};

}  // namespace shmd::render
