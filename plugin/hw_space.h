#pragma once

#include <cstdint>

struct _snd_pcm_hw_params;  // alsa-lib's snd_pcm_hw_params_t

namespace shmd::plugin {

/**
 * Leave nothing but `rate_hz` in what is still possible.
 *
 * alsa-lib's parameters are Linux's struct snd_pcm_hw_params (its include/local.h), which
 * the `hw` plugin hands to the kernel as they are.
 * @return 0, or -EINVAL if that rate is not possible any more.  Thread: any.
 */
int NarrowToRate(_snd_pcm_hw_params* params, uint32_t rate_hz) noexcept;

/**
 * Where exactly `from` channels are left, make it `to`: the one place that does more than
 * narrow, for a number that only stands for another. Thread: any.
 */
void ReplaceChannels(_snd_pcm_hw_params* params, uint32_t from, uint32_t to) noexcept;

/**
 * Have alsa-lib apply all of its rules at the next refinement. ioplug's own applies most
 * of them only where the format, the channels or the rate were just changed, and not
 * backwards, from sizes to the bits of a frame; so some choices that were offered could
 * not be set. Thread: any.
 */
void RefineAll(_snd_pcm_hw_params* params) noexcept;

}  // namespace shmd::plugin
