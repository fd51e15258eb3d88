#include "audio/denormals.h"

#include <cstdint>
#if defined(__SSE2__)
#include <xmmintrin.h>
#endif

namespace shmd::audio {

#if defined(__SSE2__)

void FlushDenormals() noexcept {
    // MXCSR: DAZ (denormal operands are zero), FTZ (so are such results).
    constexpr uint32_t kDaz = 1U << 6;
    constexpr uint32_t kFtz = 1U << 15;
    _mm_setcsr(_mm_getcsr() | kDaz | kFtz);
}

#elif defined(__aarch64__)

void FlushDenormals() noexcept {
    constexpr uint64_t kFz = uint64_t{1} << 24;  // FPCR.FZ: operands and results
    uint64_t control = 0;
    asm volatile("mrs %0, fpcr" : "=r"(control));
    asm volatile("msr fpcr, %0" : : "r"(control | kFz));
}

#else

void FlushDenormals() noexcept {}

#endif

}  // namespace shmd::audio
