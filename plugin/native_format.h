#pragma once

#include "client/device_format.h"

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

namespace shmd::plugin {

/**
 * If `mode` has SND_PCM_NO_AUTO_RESAMPLE, _CHANNELS or _FORMAT, offer only the device's
 * own rate, channels or format: the server then does not convert these. What the server
 * did not say stays as OfferParams set it.
 *
 * @pre OfferParams was called.  @return 0 or -errno.  Thread: any.
 */
int OfferNative(snd_pcm_ioplug_t& io, const client::DeviceFormat& device, int mode);

/**
 * The same for the rate of parameters that say SND_PCM_HW_PARAMS_NORESAMPLE, which
 * snd_pcm_hw_params_set_rate_resample(0) sets. For HookRefine's rule.
 * A single rate stays: a program asked for it, or its `plug` has it for its slave.
 * @return 0, or -EINVAL when no rate is left.  Thread: any.
 */
int NarrowToNativeRate(snd_pcm_t* pcm, snd_pcm_hw_params_t* params,
                       const client::DeviceFormat& device) noexcept;

}  // namespace shmd::plugin
