#pragma once

#include "wire/limits.h"
#include "wire/message.h"

#include <cstdint>

namespace shmd::client {

/**
 * What the device plays or records without a conversion in the server, as the server said
 * when the stream was opened. 0: it said nothing, or what no stream can have.
 */
struct DeviceFormat {
    uint8_t format = 0;  // audio::SampleFormat, not checked: may be out of range
    uint32_t rate_hz = 0;
    uint32_t channels = 0;
};

/** Those values of `opened` that a stream could ask for. Thread: any. Realtime: yes. */
constexpr DeviceFormat TrustedFormat(const wire::StreamOpened& opened) noexcept {
    const bool has_rate = opened.device_rate_hz >= wire::kMinRateHz &&
                          opened.device_rate_hz <= wire::kMaxRateHz;
    const bool has_channels = opened.device_channels <= wire::kMaxChannels;
    return {.format = opened.device_format,
            .rate_hz = has_rate ? opened.device_rate_hz : 0,
            .channels = has_channels ? opened.device_channels : uint32_t{0}};
}

}  // namespace shmd::client
