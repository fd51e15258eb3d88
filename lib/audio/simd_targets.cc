#include "audio/simd_targets.h"

#include <hwy/highway.h>

namespace shmd::audio::simd {

void ChooseTarget() {
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
}

std::vector<int64_t> Targets() {
    return hwy::SupportedAndGeneratedTargets();
}

void UseTarget(int64_t target) {
    hwy::SetSupportedTargetsForTest(target);
    ChooseTarget();
}

}  // namespace shmd::audio::simd
