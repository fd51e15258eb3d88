#include "plugin/hw_space.h"

// Its names clash with those of alsa/asoundlib.h.
#include <sound/asound.h>

#include <cerrno>

namespace shmd::plugin {

namespace {

bool Holds(const snd_interval& interval, uint32_t value) noexcept {
    const bool is_above = interval.openmin ? value > interval.min : value >= interval.min;
    const bool is_below = interval.openmax ? value < interval.max : value <= interval.max;
    return interval.empty == 0 && is_above && is_below;
}

/** As alsa-lib has it: `plug` says [44100, 44101). */
bool IsSingle(const snd_interval& interval) noexcept {
    const bool is_open = interval.openmin != 0 || interval.openmax != 0;
    return interval.min == interval.max || (is_open && interval.max - interval.min == 1);
}

snd_interval& IntervalOf(_snd_pcm_hw_params* params, int parameter) noexcept {
    return reinterpret_cast<snd_pcm_hw_params*>(params)
        ->intervals[parameter - SNDRV_PCM_HW_PARAM_FIRST_INTERVAL];
}

void SetTo(snd_interval& interval, uint32_t value) noexcept {
    interval = {};
    interval.min = value;
    interval.max = value;
    interval.integer = 1;
}

}  // namespace

int NarrowToRate(_snd_pcm_hw_params* params, uint32_t rate_hz) noexcept {
    auto& space = *reinterpret_cast<snd_pcm_hw_params*>(params);
    snd_interval& rate = IntervalOf(params, SNDRV_PCM_HW_PARAM_RATE);
    if (IsSingle(rate)) return 0;
    if (!Holds(rate, rate_hz)) return -EINVAL;
    SetTo(rate, rate_hz);
    space.rmask |= 1U << SNDRV_PCM_HW_PARAM_RATE;
    space.cmask |= 1U << SNDRV_PCM_HW_PARAM_RATE;
    return 0;
}

void ReplaceChannels(_snd_pcm_hw_params* params, uint32_t from, uint32_t to) noexcept {
    snd_interval& channels = IntervalOf(params, SNDRV_PCM_HW_PARAM_CHANNELS);
    const bool is_by_number = channels.integer != 0;
    if (IsSingle(channels) && channels.min == from && !is_by_number) SetTo(channels, to);
}

void MarkChannelsUpTo(_snd_pcm_hw_params* params, uint32_t most) noexcept {
    snd_interval& channels = IntervalOf(params, SNDRV_PCM_HW_PARAM_CHANNELS);
    if (channels.max == most && !IsSingle(channels)) channels.integer = 0;
}

void RefineAll(_snd_pcm_hw_params* params) noexcept {
    reinterpret_cast<snd_pcm_hw_params*>(params)->rmask = ~0U;
}

}  // namespace shmd::plugin
