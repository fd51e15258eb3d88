#include "plugin/whole_sizes.h"

#include "wire/limits.h"

#include <algorithm>

namespace shmd::plugin {

namespace {

void Include(WholeRange& range, uint64_t least, uint64_t most) noexcept {
    range.least = std::min(range.least, least);
    range.most = std::max(range.most, most);
}

}  // namespace

std::optional<SizeSpace> FindWholeSizes(const SizeSpace& space) noexcept {
    const WholeRange& period = space.period_frames;
    const WholeRange& buffer = space.buffer_frames;
    const uint64_t first = std::max<uint64_t>(space.periods.least, 1);
    const uint64_t last = std::min(space.periods.most, first + wire::kMaxPeriods - 1);
    std::optional<SizeSpace> whole;
    for (uint64_t periods = first; periods <= last; ++periods) {
        const uint64_t least =
            std::max(period.least, (buffer.least + periods - 1) / periods);
        const uint64_t most = std::min(period.most, buffer.most / periods);
        if (least > most) continue;
        if (!whole)
            whole = SizeSpace{
                {least, most}, {periods, periods}, {periods * least, periods * most}};
        Include(whole->period_frames, least, most);
        Include(whole->periods, periods, periods);
        Include(whole->buffer_frames, periods * least, periods * most);
    }
    return whole;
}

}  // namespace shmd::plugin
