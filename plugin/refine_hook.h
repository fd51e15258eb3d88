#pragma once

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>

namespace shmd::plugin {

/**
 * Called each time before alsa-lib itself refines a PCM's parameters; it may only narrow
 * them.
 * @return 0, or -EINVAL when nothing is left.  Thread: the application's.
 */
using RefineRule = int (*)(snd_pcm_ioplug_t& io, snd_pcm_hw_params_t* params) noexcept;

/**
 * Called each time after alsa-lib has refined a PCM's parameters. It may narrow them with
 * alsa-lib's own functions, which refine again but do not call it again. Thread: the
 * application's.
 */
using NarrowRule = void (*)(snd_pcm_ioplug_t& io, snd_pcm_hw_params_t* params) noexcept;

/**
 * Have the rules called whenever parameters of `io`'s PCM are refined. The ioplug SDK has
 * no callback for that, so the PCM gets another table of functions, in a private struct:
 * doc/decisions/0020 lists what is verified first.
 *
 * @param rule, narrow  the same for all PCMs of a process
 * @return whether that was possible; if not, nothing has changed.
 * @pre snd_pcm_ioplug_create has made io.pcm.  Thread: any.
 */
bool HookRefine(snd_pcm_ioplug_t& io, RefineRule rule, NarrowRule narrow) noexcept;

}  // namespace shmd::plugin
