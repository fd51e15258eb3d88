#pragma once

#include "audio/mix.h"
#include "shm/ring.h"

#include <array>
#include <cstddef>
#include <span>

namespace shmd::render {

/**
 * Streams that are added to a mix as they lie in their rings, many at once.
 *
 * Thread: audio.  Realtime: yes.
 */
class MixBatch {
  public:
    /** @param mix  what they are added to, by Flush() at the latest */
    explicit MixBatch(std::span<float> mix) noexcept : mix_{mix} {}

    /** @param runs  as many samples as the mix, in the mix's channels */
    void Add(audio::SampleFormat format, const shm::RingRuns<const std::byte>& runs,
             float gain) noexcept;
    void Flush() noexcept;

  private:
    // Each is a page of its own at least: as many as the processor has translations for.
    static constexpr size_t kMost = 16;

    std::span<float> mix_;
    audio::SampleFormat format_{};
    std::array<audio::MixInput, kMost> inputs_;
    size_t count_ = 0;
};

}  // namespace shmd::render
