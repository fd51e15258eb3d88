#pragma once

namespace shmd::audio {

/**
 * From here on the calling thread computes with 0 in place of numbers too small for a
 * float's full precision (below 1.2e-38, "denormals"), as input and as result. Processors
 * take a hundred times as long for them; no ear hears them. Other results keep their
 * bits, and copies are no computation.
 *
 * Thread: any, for itself.  Realtime: yes.  Does nothing on processors that it does not
 * know (neither x86 with SSE2 nor 64-bit ARM).
 */
void FlushDenormals() noexcept;

}  // namespace shmd::audio
