#pragma once

#include <cstdint>

namespace shmd::engine {

class DeviceRunner;

/** What a stream is connected to at its device. */
enum class EndpointKind : uint8_t {
    kPlayback,  // the device plays it
    kCapture,   // it records what the device captures
    kMonitor,   // it records what the device plays
};

struct Endpoint {
    DeviceRunner* runner = nullptr;
    EndpointKind kind = EndpointKind::kPlayback;
};

}  // namespace shmd::engine
