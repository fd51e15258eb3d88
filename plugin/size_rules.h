#pragma once

#include <alsa/asoundlib.h>
#include <cstdint>

namespace shmd::plugin {

/**
 * Of what alsa-lib's refinement has left, keep the sizes that a program can work with:
 * whole periods of whole frames, and a buffer of at most `most_buffer_us`. Its own rules
 * leave others too (period 1102.5, buffer 8820), on which PortAudio, OpenAL Soft and the
 * rate plugin break.
 *
 * These are wishes: where none is left that a program has asked for, it keeps what it
 * asked for. As nothing is changed later, in hw_params, what a program is told is what it
 * gets: doc/decisions/0017.
 *
 * @param params  refined
 * Thread: any.  Errors: none.
 */
void PreferUsualSizes(snd_pcm_t* pcm, snd_pcm_hw_params_t* params,
                      unsigned most_buffer_us) noexcept;

}  // namespace shmd::plugin
