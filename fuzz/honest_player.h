#pragma once

#include "fuzz/pool_double.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace shmd::fuzz {

/**
 * A client that plays what can be told from anything else, in its device's own format,
 * and never lets its buffer run dry. Thread: one.
 */
class HonestPlayer {
  public:
    HonestPlayer(uint32_t stream_id, const audio::StreamFormat& device_format);

    [[nodiscard]] const PoolDouble& Pool() const noexcept { return pool_; }

    void Start();

    /** Fill what there is room for. */
    void Feed();

    /**
     * Require that it runs, and, if `is_alone` is set, that `played` (the device's
     * frames, from its first on) is what it has written.
     */
    void Check(std::span<const std::byte> played, bool is_alone) const;

  private:
    PoolDouble pool_;
    std::span<const std::byte> round_;  // all its frames, until they begin anew
    uint64_t written_ = 0;
};

}  // namespace shmd::fuzz
