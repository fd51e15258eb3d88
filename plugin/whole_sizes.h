#pragma once

#include <cstdint>
#include <optional>

namespace shmd::plugin {

/** Whole numbers from `least` to `most`, each of them included. */
struct WholeRange {
    uint64_t least = 0;
    uint64_t most = 0;

    bool operator==(const WholeRange&) const = default;
};

/** Sizes that are still possible. */
struct SizeSpace {
    WholeRange period_frames;
    WholeRange periods;
    WholeRange buffer_frames;

    bool operator==(const SizeSpace&) const = default;
};

/**
 * The least space that holds each choice from `space` whose buffer is whole periods:
 * buffer_frames = periods * period_frames. Nothing if there is no such choice.
 *
 * It tries at most wire::kMaxPeriods numbers of periods, the least first.
 * Thread: any.  Realtime: yes.
 */
std::optional<SizeSpace> FindWholeSizes(const SizeSpace& space) noexcept;

}  // namespace shmd::plugin
