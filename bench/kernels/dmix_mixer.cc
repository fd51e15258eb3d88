#include "bench/kernels/dmix_mixer.h"

#include <dlfcn.h>
#include <algorithm>
#include <stdexcept>

namespace shmd::bench {

namespace {

void* Find(const std::string& library, const char* name) {
    // It stays loaded.
    void* const loaded = ::dlopen(library.c_str(), RTLD_NOW);
    void* const found = loaded == nullptr ? nullptr : ::dlsym(loaded, name);
    if (found == nullptr) throw std::runtime_error{::dlerror()};
    return found;
}

}  // namespace

DmixMixer::DmixMixer(const std::string& library, size_t samples)
    : loop_{reinterpret_cast<Loop>(Find(library, "ShmdBenchMixByDmix"))},
      shared_(samples),
      sum_(samples) {}

void DmixMixer::Clear() noexcept {
    std::ranges::fill(shared_, int16_t{0});
    std::ranges::fill(sum_, 0);
}

void DmixMixer::Add(std::span<const int16_t> stream) noexcept {
    loop_(static_cast<unsigned>(shared_.size()), shared_.data(), stream.data(),
          sum_.data());
}

}  // namespace shmd::bench
