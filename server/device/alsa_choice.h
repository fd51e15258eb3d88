#pragma once

#include "device/alsa_setup.h"

#include <alsa/asoundlib.h>

namespace shmd::device {

/** Periods that a ring must have at least: what is heard next (the time that the renderer
 * has to be late), what the card may be ahead of what it says, and a cycle. */
inline constexpr uint32_t kLeastPeriods = 3;

/**
 * Narrow `params` to the one configuration that `spec` asks for and OpenAlsaPcm
 * describes, and tell it in `setup`.
 *
 * @param params  what the PCM can do (snd_pcm_hw_params_any)
 * @param setup   is_hardware is known
 * Thread: loop.  Realtime: no.  Errors: std::system_error, EINVAL: the sentence names the
 * key, the value and what is possible.
 */
void ChooseAlsaParams(snd_pcm_t* pcm, snd_pcm_hw_params_t* params, const AlsaSpec& spec,
                      AlsaSetup& setup);

}  // namespace shmd::device
