#pragma once

#include "client/stream.h"

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

namespace shmd::plugin {

/**
 * Tell alsa-lib what the server takes: all that it can convert.
 * @param most_channels  from OfferedChannels; it may be more than a stream can have,
 * which the caller must refuse
 * @return 0 or -errno
 */
int OfferParams(snd_pcm_ioplug_t& io, unsigned most_channels);

/** alsa-lib's format for that number on the wire, or SND_PCM_FORMAT_UNKNOWN. */
snd_pcm_format_t FindAlsaFormat(uint8_t wire_number);

/** The parameters that alsa-lib has settled, for the server. Errors: std::system_error.
 */
client::Stream::Params ChosenParams(const snd_pcm_ioplug_t& io);

}  // namespace shmd::plugin
