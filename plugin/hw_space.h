#pragma once

#include <cstdint>

struct _snd_pcm_hw_params;  // alsa-lib's snd_pcm_hw_params_t

namespace shmd::plugin {

/**
 * Remove all rates but `rate_hz` from what is still possible.
 *
 * alsa-lib's parameters are Linux's struct snd_pcm_hw_params (its include/local.h), which
 * the `hw` plugin hands to the kernel as they are.
 * @return 0, or -EINVAL if that rate is no longer possible.  Thread: any.
 */
int NarrowToRate(_snd_pcm_hw_params* params, uint32_t rate_hz) noexcept;

/**
 * If exactly `from` channels are left, and a call left them that names no number, replace
 * them by `to`. For a number that only stands for another. Nothing else here does more
 * than narrow. Thread: any.
 */
void ReplaceChannels(_snd_pcm_hw_params* params, uint32_t from, uint32_t to) noexcept;

/**
 * If channels up to `most` are left, mark the range for ReplaceChannels: it is not of
 * whole numbers only. snd_pcm_hw_params_set_channels makes it so again;
 * set_channels_last, _near, _min and _max do not (alsa-lib's interval.c, the same
 * from 1.0.25 to 1.2.16). The plugin's own range has whole numbers alone, so the mark
 * changes no choice. Thread: any.
 */
void MarkChannelsUpTo(_snd_pcm_hw_params* params, uint32_t most) noexcept;

/**
 * Have alsa-lib apply all of its rules at the next refinement. ioplug's own refinement
 * applies most of them only when the format, the channels or the rate were just changed,
 * and never backwards, from sizes to the bits of a frame. So it offered some choices that
 * could not be set. Thread: any.
 */
void RefineAll(_snd_pcm_hw_params* params) noexcept;

}  // namespace shmd::plugin
