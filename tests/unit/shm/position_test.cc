#include "shm/position.h"

#include "tests/support/run_together.h"

#include <gtest/gtest.h>

namespace shmd::shm {
namespace {

/** A position of which every word tells which it is. */
Position Numbered(uint64_t n) {
    return {.acted = n,
            .state = static_cast<wire::StreamState>(n + 1),
            .frames = n + 2,
            .time_ns = static_cast<int64_t>(n + 3),
            .limit_frames = n + 4,
            .delay_frames = n + 5,
            .xruns = n + 6};
}

TEST(Position, IsReadAsItWasWritten) {
    wire::ServerBlock block{};
    WritePosition(block, Numbered(100));
    EXPECT_EQ(ReadPosition(block), Numbered(100));
}

TEST(Position, IsAllZeroInAFreshBlock) {
    const wire::ServerBlock block{};
    EXPECT_EQ(ReadPosition(block), Position{});
}

TEST(Position, IsNothingWhenItsWriterDiedInTheMiddle) {
    wire::ServerBlock block{};
    WritePosition(block, Numbered(100));
    block.sequence.fetch_add(1);
    EXPECT_FALSE(ReadPosition(block));
}

TEST(Position, LeavesTheSequenceEven) {
    wire::ServerBlock block{};
    WritePosition(block, Numbered(1));
    WritePosition(block, Numbered(2));
    EXPECT_EQ(block.sequence.load(), 4U);
}

TEST(PositionTwoThreads, IsNeverTornAndNeverGoesBack) {
    constexpr uint64_t kPositions = 100'000;
    wire::ServerBlock block{};
    WritePosition(block, Numbered(0));
    uint64_t torn = 0;
    uint64_t backwards = 0;
    test::RunTogether(
        [&] {
            uint64_t last = 0;
            test::YieldUntil([&] {
                const auto position = ReadPosition(block);
                if (!position) return false;
                if (*position != Numbered(position->acted)) ++torn;
                if (position->acted < last) ++backwards;
                last = position->acted;
                return last == kPositions;
            });
        },
        [&] {
            for (uint64_t n = 1; n <= kPositions; ++n)
                WritePosition(block, Numbered(n));
        });
    EXPECT_EQ(torn, 0U);
    EXPECT_EQ(backwards, 0U);
}

}  // namespace
}  // namespace shmd::shm
