#include "wire/stream_block.h"

#include <gtest/gtest.h>

namespace shmd::wire {
namespace {

TEST(Command, PacksEpochGenerationAndWantedIntoTheirPlaces) {
    const Command command{0x12345678, 0x9abc, Wanted::kDraining};
    EXPECT_EQ(command.Pack(), 0x123456789abc0002U);
}

TEST(Command, ComesBackAsItWasPacked) {
    const Command command =
        Command::Unpack(Command{UINT32_MAX, UINT16_MAX, Wanted::kPaused}.Pack());
    EXPECT_EQ(command.epoch, UINT32_MAX);
    EXPECT_EQ(command.generation, UINT16_MAX);
    EXPECT_EQ(command.wanted, Wanted::kPaused);
}

TEST(Command, IsValidForEachWantedStateThereIs) {
    for (uint64_t wanted = 0; wanted <= 3; ++wanted)
        EXPECT_TRUE(Command::IsValid(0xffffffffffff0000U | wanted)) << wanted;
}

TEST(Command, IsNotValidForAWantedStateThatIsNone) {
    for (uint64_t wanted = 4; wanted <= 0xff; ++wanted)
        EXPECT_FALSE(Command::IsValid(wanted)) << wanted;
}

TEST(Command, IsNotValidWithABitBetweenWantedAndGeneration) {
    for (int bit = 8; bit < 16; ++bit)
        EXPECT_FALSE(Command::IsValid(uint64_t{1} << bit)) << bit;
}

TEST(Command, SharesItsEpochWithOtherStatesOfTheSameStart) {
    const Command running{5, 2, Wanted::kRunning};
    const Command paused{5, 2, Wanted::kPaused};
    EXPECT_TRUE(Command::SameEpoch(running.Pack(), paused.Pack()));
}

TEST(Command, DoesNotShareItsEpochWithAnotherStartOrOtherParameters) {
    const Command command{5, 2, Wanted::kRunning};
    EXPECT_FALSE(
        Command::SameEpoch(command.Pack(), Command{6, 2, Wanted::kRunning}.Pack()));
    EXPECT_FALSE(
        Command::SameEpoch(command.Pack(), Command{5, 3, Wanted::kRunning}.Pack()));
}

// A line that both sides write would go to and fro between their processors.
TEST(StreamBlocks, KeepTheWordsThatAreReadEachCycleOnLinesOfTheirOwn) {
    constexpr size_t kLineBytes = 64;
    EXPECT_EQ(offsetof(ClientBlock, written_frames) / kLineBytes, 0U);
    EXPECT_EQ(offsetof(ClientBlock, command) / kLineBytes, 1U);
    EXPECT_EQ(offsetof(ServerBlock, xruns) / kLineBytes, 0U);
    EXPECT_EQ(offsetof(ServerBlock, woken) / kLineBytes, 1U);
}

TEST(StreamBlocks, LeaveARingThatBeginsOnAPage) {
    EXPECT_EQ(kBlockBytes % 4096, 0U);
    EXPECT_EQ(kPoolBytes, kBlockBytes + kRingBytes);
}

TEST(EpochAfter, IsNeverThatOfAServerThatKnowsNone) {
    EXPECT_EQ(EpochAfter(0), 1U);
    EXPECT_EQ(EpochAfter(41), 42U);
    EXPECT_EQ(EpochAfter(UINT32_MAX), 1U);
    EXPECT_FALSE(Command::SameEpoch(
        Command{.epoch = EpochAfter(UINT32_MAX), .generation = 0}.Pack(), 0));
}

}  // namespace
}  // namespace shmd::wire
