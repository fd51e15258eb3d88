#include "plugin/whole_sizes.h"

#include "wire/limits.h"

#include <gtest/gtest.h>
#include <random>

namespace shmd::plugin {
namespace {

void Include(std::optional<SizeSpace>& all, uint64_t period, uint64_t periods) {
    const SizeSpace one{
        {period, period}, {periods, periods}, {period * periods, period * periods}};
    if (!all) all = one;
    const auto include = [](WholeRange& range, uint64_t value) {
        range = {std::min(range.least, value), std::max(range.most, value)};
    };
    include(all->period_frames, period);
    include(all->periods, periods);
    include(all->buffer_frames, period * periods);
}

/** One choice after the other. */
std::optional<SizeSpace> TryEach(const SizeSpace& space) {
    std::optional<SizeSpace> all;
    for (uint64_t n = space.periods.least; n <= space.periods.most; ++n)
        for (uint64_t p = space.period_frames.least; p <= space.period_frames.most; ++p)
            if (n * p >= space.buffer_frames.least && n * p <= space.buffer_frames.most)
                Include(all, p, n);
    return all;
}

TEST(FindWholeSizes, FindsTheDivisorsOfABuffer) {
    EXPECT_EQ(FindWholeSizes({{1000, 11025}, {2, 1024}, {22050, 22050}}),
              (SizeSpace{{1050, 11025}, {2, 21}, {22050, 22050}}));
}

TEST(FindWholeSizes, FindsTheMultiplesOfAPeriod) {
    EXPECT_EQ(FindWholeSizes({{1103, 1103}, {2, 1024}, {8820, 12000}}),
              (SizeSpace{{1103, 1103}, {8, 10}, {8824, 11030}}));
}

TEST(FindWholeSizes, LeavesOutABufferThatIsPrime) {
    EXPECT_EQ(FindWholeSizes({{16, 4000}, {2, 1024}, {4799, 4801}}),
              (SizeSpace{{16, 2400}, {2, 300}, {4800, 4800}}));
}

TEST(FindWholeSizes, FindsNothingWhereNothingIs) {
    EXPECT_EQ(FindWholeSizes({{16, 4000}, {2, 1024}, {4799, 4799}}), std::nullopt);
    EXPECT_EQ(FindWholeSizes({{1024, 1023}, {2, 1024}, {4096, 4096}}), std::nullopt);
    EXPECT_EQ(FindWholeSizes({{16, 4000}, {3, 2}, {4096, 4096}}), std::nullopt);
}

TEST(FindWholeSizes, FindsAsManyAsTryingEachDoes) {
    std::mt19937 random{1};
    const auto range = [&](unsigned most, unsigned wide) {
        const uint64_t least = 1 + random() % most;
        return WholeRange{least, least + random() % wide};
    };
    for (int i = 0; i < 20000; ++i) {
        const SizeSpace space{range(40, 30), range(12, 12), range(300, 60)};
        ASSERT_EQ(FindWholeSizes(space), TryEach(space)) << "the space " << i;
    }
}

TEST(FindWholeSizes, LooksAtNoMoreNumbersOfPeriodsThanThereMayBe) {
    constexpr uint64_t kMost = uint64_t{1} << 32;
    const auto whole = FindWholeSizes({{1, kMost}, {1, kMost}, {1, kMost}});
    ASSERT_TRUE(whole);
    EXPECT_EQ(whole->periods, (WholeRange{1, wire::kMaxPeriods}));
}

}  // namespace
}  // namespace shmd::plugin
