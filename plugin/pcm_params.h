#pragma once

#include "client/stream.h"

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

namespace shmd::plugin {

/** Tell alsa-lib what the server takes: all that it can convert. @return 0 or -errno */
int OfferParams(snd_pcm_ioplug_t& io);

/** alsa-lib's format of that number on the wire, or SND_PCM_FORMAT_UNKNOWN. */
snd_pcm_format_t FindAlsaFormat(uint8_t wire_number);

/**
 * Make the buffer whole periods, rounding down. alsa-lib's refinement leaves others too
 * (period 1102, buffer 8820), on which PortAudio, OpenAL Soft and the rate plugin break.
 *
 * @param params  as hw_params got it: settled; the revised ones are put in their place
 * @return 0 or -errno.  Thread: hw_params' only.
 */
int MakeBufferWholePeriods(snd_pcm_ioplug_t& io, snd_pcm_hw_params_t* params);

/** The parameters that alsa-lib has settled, for the server. Errors: std::system_error.
 */
client::Stream::Params ChosenParams(const snd_pcm_ioplug_t& io);

}  // namespace shmd::plugin
