#pragma once

#include "audio/format.h"
#include "audio/mix.h"
#include "shm/ring.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace shmd::render {

/**
 * The streams of one block, mixed.
 *
 * Those that are added as they lie in their rings are taken many at once. 16 bits at
 * unity gain, as most are, are summed as the integers that they are; the sum is converted
 * once, or not at all if there was nothing else and the device takes 16 bits too. The
 * bits are the same.
 *
 * Thread: audio.  Realtime: yes, after construction.
 */
class BlockMix {
  public:
    /** @param most_samples  of a block, all channels. Errors: std::bad_alloc. */
    explicit BlockMix(size_t most_samples) : floats_(most_samples), sum_(most_samples) {}

    /** Begin with silence. */
    void Begin(size_t samples) noexcept;

    /** @param runs  as many samples as the block, in its channels; Store() reads them */
    void Add(audio::SampleFormat format, const shm::RingRuns<const std::byte>& runs,
             float gain) noexcept {
        const bool is_summed = format == audio::SampleFormat::kS16Le && gain == 1.0F;
        if (count_ == kMostInputs || format != format_ || is_summed != is_summed_)
            Collect(format, is_summed);
        if (!runs.second.empty()) return AddBoth(runs, gain);
        inputs_[count_++] = {runs.first.data(), gain};
    }

    /** The block's samples, for what is added by hand. */
    std::span<float> Floats() noexcept;

    /** @param block  all of the samples, in `format` */
    void Store(audio::SampleFormat format, std::span<std::byte> block) noexcept;

  private:
    // Each is a page of its own at least: as many as the processor has translations for.
    static constexpr size_t kMostInputs = 16;

    std::span<int32_t> Sum() noexcept;
    [[nodiscard]] std::span<const int32_t> SumSoFar() const noexcept;
    void Flush() noexcept;
    void Collect(audio::SampleFormat format, bool is_summed) noexcept;
    void AddBoth(const shm::RingRuns<const std::byte>& runs, float gain) noexcept;
    void AddTo(size_t at, size_t samples,
               std::span<const audio::MixInput> inputs) noexcept;

    std::vector<float> floats_;
    std::vector<int32_t> sum_;
    size_t samples_ = 0;
    bool has_floats_ = false;  // else they are silence, and not written yet
    bool has_sum_ = false;
    // What waits to be added: of one format, and all to the sum or none.
    std::array<audio::MixInput, kMostInputs> inputs_{};
    size_t count_ = 0;
    audio::SampleFormat format_{};
    bool is_summed_ = false;
};

}  // namespace shmd::render
