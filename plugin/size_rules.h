#pragma once

#include <alsa/asoundlib.h>
#include <cstdint>

namespace shmd::plugin {

/**
 * From the sizes that alsa-lib's refinement has left, keep those that a program can work
 * with: whole periods of whole frames, and a buffer of at most `most_buffer_us`.
 * alsa-lib's own rules leave others too (period 1102.5, buffer 8820), on which PortAudio,
 * OpenAL Soft and the rate plugin break.
 *
 * These are wishes: if a program has asked for sizes of which none is left, it keeps what
 * it asked for. hw_params changes nothing later, so a program gets what it was told:
 * doc/decisions/0017.
 *
 * @param params  refined
 * Thread: any.  Errors: none.
 */
void PreferUsualSizes(snd_pcm_t* pcm, snd_pcm_hw_params_t* params,
                      unsigned most_buffer_us) noexcept;

}  // namespace shmd::plugin
