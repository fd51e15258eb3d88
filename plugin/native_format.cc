#include "plugin/native_format.h"

#include "plugin/hw_space.h"
#include "plugin/pcm_params.h"

namespace shmd::plugin {

namespace {

/** @param value  0: not known, nothing changes. */
int OfferOnly(snd_pcm_ioplug_t& io, int parameter, unsigned value) {
    if (value == 0) return 0;
    return snd_pcm_ioplug_set_param_minmax(&io, parameter, value, value);
}

int OfferOnlyFormat(snd_pcm_ioplug_t& io, uint8_t number) {
    const snd_pcm_format_t format = FindAlsaFormat(number);
    if (format == SND_PCM_FORMAT_UNKNOWN) return 0;
    const auto listed = static_cast<unsigned>(format);
    return snd_pcm_ioplug_set_param_list(&io, SND_PCM_IOPLUG_HW_FORMAT, 1, &listed);
}

}  // namespace

int OfferNative(snd_pcm_ioplug_t& io, const client::DeviceFormat& device, int mode) {
    int error = 0;
    if (mode & SND_PCM_NO_AUTO_RESAMPLE)
        error = OfferOnly(io, SND_PCM_IOPLUG_HW_RATE, device.rate_hz);
    if (error >= 0 && (mode & SND_PCM_NO_AUTO_CHANNELS))
        error = OfferOnly(io, SND_PCM_IOPLUG_HW_CHANNELS, device.channels);
    if (error >= 0 && (mode & SND_PCM_NO_AUTO_FORMAT))
        error = OfferOnlyFormat(io, device.format);
    return error;
}

int NarrowToNativeRate(snd_pcm_t* pcm, snd_pcm_hw_params_t* params,
                       const client::DeviceFormat& device) noexcept {
    unsigned may_resample = 1;
    snd_pcm_hw_params_get_rate_resample(pcm, params, &may_resample);
    if (may_resample != 0 || device.rate_hz == 0) return 0;
    return NarrowToRate(params, device.rate_hz);
}

}  // namespace shmd::plugin
