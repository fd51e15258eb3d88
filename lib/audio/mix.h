#pragma once

#include <span>

namespace shmd::audio {

/**
 * Add `in` to `out`.
 *
 * @param out  samples; holds the mix so far
 * @param in   samples, as many as `out`, not aliasing it
 *
 * Thread: any.  Realtime: yes.  Errors: none.
 */
void MixAdd(std::span<float> out, std::span<const float> in) noexcept;

}  // namespace shmd::audio
