#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace shmd::bench {

/**
 * The samples that the clients of a dmix share, and its loop, with which each of them
 * adds its own. Thread: one at a time.
 */
class DmixMixer {
  public:
    /**
     * @param library  dmix_loop.c, compiled
     * Errors: std::runtime_error.
     */
    DmixMixer(const std::string& library, size_t samples);

    /** What the card has played is silence again, as dmix has the kernel do it. */
    void Clear() noexcept;

    /** Add a stream's samples: as many as were given. */
    void Add(std::span<const int16_t> stream) noexcept;

    [[nodiscard]] std::span<const int16_t> Mixed() const noexcept { return shared_; }

  private:
    using Loop = void (*)(unsigned, int16_t*, const int16_t*, int32_t*);

    Loop loop_;
    std::vector<int16_t> shared_;
    std::vector<int32_t> sum_;
};

}  // namespace shmd::bench
