#pragma once

#include "render/scratch.h"

#include <array>
#include <cstddef>

namespace shmd::render {

/** Room in which a stream's conversion is tried on silence, to know what it costs. */
struct Rehearsal {
    using Bytes = std::array<std::byte, size_t{kChunkFrames} * audio::kMaxChannels * 8>;

    Scratch scratch{};
    Bytes in{};
    Bytes out{};
};

}  // namespace shmd::render
