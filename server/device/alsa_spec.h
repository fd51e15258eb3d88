#pragma once

#include "audio/format.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shmd::device {

/** How frames get into the card's ring, or out of it. */
enum class AlsaAccess : uint8_t {
    kMmap,       // in the ring itself
    kReadWrite,  // through snd_pcm_writei and snd_pcm_readi
};

/**
 * A PCM of alsa-lib as its user describes it: "hw:CARD=PCH,DEV=0,rate=96000". What is not
 * given is chosen when the PCM is opened (alsa_setup.h).
 */
struct AlsaSpec {
    /** alsa-lib's name of the PCM. */
    std::string pcm_name;
    std::optional<uint32_t> rate_hz;
    std::optional<uint32_t> channels;
    std::optional<audio::SampleFormat> format;
    std::optional<uint32_t> period_frames;
    std::optional<uint32_t> buffer_frames;
    std::optional<AlsaAccess> access;
    /** Whether the card interrupts at each period. */
    std::optional<bool> interrupts;

    bool operator==(const AlsaSpec&) const = default;
};

/**
 * Read `text`: a PCM's name, then `key=value` in any order, each at most once, parted by
 * commas; `auto` is as if the key were not there.
 *
 *     PCM[,rate=HZ|auto][,channels=N|auto][,format=NAME|auto][,period=FRAMES|auto]
 *        [,buffer=FRAMES|auto][,access=mmap|rw|auto][,interrupts=on|off|auto]
 *
 * The name may hold commas and equals signs: it ends before the first part that begins
 * with one of these keys and an equals sign.
 *
 * Thread: any.  Realtime: no.  Errors: std::invalid_argument, one sentence that names the
 * key, the value and what is allowed.
 */
AlsaSpec ParseAlsaSpec(std::string_view text);

}  // namespace shmd::device
