#pragma once

#include <cstdint>
#include <vector>

namespace shmd::audio::simd {

/** Ask what this processor can, once and for all. Thread: loop. Realtime: no. */
void ChooseTarget();

/** For tests: what this processor can, best first, as Highway's bits. */
std::vector<int64_t> Targets();

/** For tests: use this one; 0: the best again. */
void UseTarget(int64_t target);

}  // namespace shmd::audio::simd
