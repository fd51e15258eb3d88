#pragma once

#include <alsa/asoundlib.h>

namespace shmd::plugin {

/**
 * The largest number of channels to offer. A program that takes the largest number gets
 * as many as the device has: jackd and the zita tools take 2 when they find more than
 * 1,024, as with alsa-lib's `plug`, which offers 10,000. doc/decisions/0017 has the
 * reasons.
 *
 * @param channels_max     the key; 0: not given
 * @param device_channels  0: not known
 * Thread: any.
 */
unsigned OfferedChannels(unsigned channels_max, unsigned device_channels) noexcept;

/**
 * If only the largest number of OfferedChannels is left, and no stream can have that
 * number, replace it by the device's own. That is the answer to
 * snd_pcm_hw_params_set_channels_last, which libsoundio calls, and to
 * snd_pcm_hw_params_set_channels_near. A program that sets that very number is refused.
 * @param params  not refined since the call. Thread: any.
 */
void AnswerLastChannels(snd_pcm_hw_params_t* params, unsigned device_channels) noexcept;

/**
 * Let AnswerLastChannels see which call left the largest number of OfferedChannels.
 * @param params  narrowed; the last change to them. Thread: any.
 */
void MarkLastChannels(snd_pcm_hw_params_t* params) noexcept;

/**
 * Whether a stream can have the numbers that are left: at most wire::kMaxChannels,
 * however many are offered.  Thread: any.
 */
bool HasPossibleChannels(const snd_pcm_hw_params_t* params) noexcept;

/**
 * If the program has set a maximum that a stream cannot have, lower it to one that a
 * stream can have.
 * @param params  refined, with possible channels.  Thread: any.
 */
void NarrowChannels(snd_pcm_t* pcm, snd_pcm_hw_params_t* params) noexcept;

}  // namespace shmd::plugin
