#pragma once

#include "audio/format.h"
#include "device/alsa_spec.h"

#include <cstdint>
#include <memory>
#include <string>

#include <alsa/asoundlib.h>

namespace shmd::device {

struct ClosePcm {
    void operator()(snd_pcm_t* pcm) const noexcept { snd_pcm_close(pcm); }
};
using UniquePcm = std::unique_ptr<snd_pcm_t, ClosePcm>;

/** What a PCM was set to, and what it is. */
struct AlsaSetup {
    audio::StreamFormat format;
    AlsaAccess access = AlsaAccess::kMmap;
    uint32_t period_frames = 0;
    uint32_t buffer_frames = 0;

    /** alsa-lib's "hw" itself, without a plugin between it and the kernel. */
    bool is_hardware = false;
    /** It takes and gives all it can at once (null, or a file over null). */
    bool is_clockless = false;
    /** Its pointer moves about a period at a time (SND_PCM_INFO_BATCH). */
    bool is_batch = false;
    /** It interrupts at each period. Without that the kernel updates hw_ptr, and silences
     * played frames, only when asked. */
    bool has_interrupts = true;
    // -1, 0, 0 if it is no card's.
    int card = -1;
    unsigned device = 0;
    unsigned subdevice = 0;

    /** Its pointer may move a period at a time, for all that is known. */
    [[nodiscard]] bool IsCoarse() const noexcept { return is_batch || !is_hardware; }

    bool operator==(const AlsaSetup&) const = default;
};

/**
 * Open the PCM of `spec` and set it, ready to be started. What the spec leaves open is
 * chosen: 48000 Hz or the next best, 2 channels, else the fewest above, else the most;
 * the format that keeps most (S32_LE, S24_LE, S24_3LE, S16_LE, FLOAT_LE, then any); the
 * ring's own memory if it is hardware's, else reads and writes, which is one copy less
 * through a plugin; periods of 10 ms in a buffer of 100 ms, if that is near; no
 * interrupts where the hardware's pointer can do without.
 *
 * The kernel is asked never to stop it, and to silence what was played.
 *
 * alsa-lib's handler for its messages is replaced here, for the whole process and for
 * good: it would print. Messages during this call are in the exception; messages outside
 * this call are discarded.
 *
 * Thread: loop.  Realtime: no.
 * Errors: std::system_error with what the open gave (ENOENT, ENODEV: there is no such
 * PCM; EBUSY: somebody has it), or EINVAL if it cannot be what `spec` says: then the
 * sentence names the key, the value and what the card can do.
 */
UniquePcm OpenAlsaPcm(const AlsaSpec& spec, snd_pcm_stream_t direction, AlsaSetup& setup);

/** "hw:0,0 mmap S32_LE, 48000 Hz, 2 channels, period 480, buffer 4800". */
std::string Describe(const AlsaSpec& spec, const AlsaSetup& setup);

}  // namespace shmd::device
