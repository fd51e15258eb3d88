#pragma once

#include "audio/format.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace shmd::device {

/** Frames of a `period=`; below the least (0.3 ms at 48 kHz) a timer's jitter is the
 * period. */
inline constexpr uint32_t kLeastPeriodFrames = 16;
inline constexpr uint32_t kMostPeriodFrames = 65536;

/** A virtual device as its user describes it: "virtual,rate=44100,wav=/tmp/out.wav". */
struct DeviceSpec {
    /** What is played, and the rate of both directions. */
    audio::StreamFormat format;
    /** The only cycle length, in frames; 0: the device's own range. */
    uint32_t period_frames = 0;
    /** The WAV file that gets everything that is played; empty: none. */
    std::string wav_path{};
    /** The sound file that is captured, over and over; empty: what is played is. */
    std::string capture_path{};

    bool operator==(const DeviceSpec&) const = default;
};

/**
 * Read `text`: a kind, then `key=value` in any order, each at most once, parted by
 * commas.
 *
 *     virtual[,rate=HZ][,channels=N][,format=NAME][,period=FRAMES][,wav=FILE]
 *            [,capture=FILE|loopback]
 *
 * Rates and channels are those of the protocol (wire/limits.h), names of formats ALSA's.
 * A value may hold anything but a comma. `capture=loopback` is the default; a file of
 * that name is `./loopback`.
 *
 * Thread: any.  Realtime: no.  Errors: std::invalid_argument, one sentence that names the
 * key, the value and what is allowed.
 */
DeviceSpec ParseDeviceSpec(std::string_view text);

}  // namespace shmd::device
