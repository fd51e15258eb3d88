#pragma once

#include <alsa/asoundlib.h>

namespace shmd::plugin {

/**
 * The most channels that are offered. A program that takes the most there is gets as many
 * as the device has: jackd and the zita tools take 2 where they find more than 1,024, as
 * they do of alsa-lib's `plug`, which offers 10,000. doc/decisions/0017 has the choices.
 *
 * @param channels_max     the key; 0: not given
 * @param device_channels  0: not known
 * Thread: any.
 */
unsigned OfferedChannels(unsigned channels_max, unsigned device_channels) noexcept;

/**
 * Where exactly the most that OfferedChannels offered is left, and that is no number of a
 * stream, make it the device's own: what snd_pcm_hw_params_set_channels_last is answered.
 * libsoundio asks so. Thread: any.
 */
void AnswerLastChannels(snd_pcm_hw_params_t* params, unsigned device_channels) noexcept;

/**
 * Whether a stream may have what is left: at most wire::kMaxChannels channels, whatever
 * is offered.  Thread: any.
 */
bool HasPossibleChannels(const snd_pcm_hw_params_t* params) noexcept;

/**
 * Where a program has asked for no more than a number that a stream cannot have, make it
 * one that it can.
 * @param params  refined, with possible channels.  Thread: any.
 */
void NarrowChannels(snd_pcm_t* pcm, snd_pcm_hw_params_t* params) noexcept;

}  // namespace shmd::plugin
