#include "device/history.h"

#include <gtest/gtest.h>
#include <algorithm>

namespace shmd::device {
namespace {

constexpr uint32_t kFrameBytes = 2;

std::vector<std::byte> Frames(int value, size_t frames) {
    return std::vector<std::byte>(frames * kFrameBytes, static_cast<std::byte>(value));
}

TEST(History, GivesNothingBeforeItsFirstFrame) {
    History history{kFrameBytes, 8};
    history.Push(100, Frames(1, 4));
    EXPECT_TRUE(history.FrontBefore(100).empty());
    EXPECT_TRUE(history.FrontBefore(0).empty());
}

TEST(History, GivesTheFramesBeforeTheEnd) {
    History history{kFrameBytes, 8};
    history.Push(100, Frames(1, 4));
    EXPECT_EQ(history.FrontBefore(103).size(), 3U * kFrameBytes);
    EXPECT_EQ(history.FrontBefore(1000).size(), 4U * kFrameBytes);
}

TEST(History, GivesEachFrameInItsTurnAroundItsEnd) {
    History history{kFrameBytes, 8};
    int given = 0;
    for (int i = 0; i < 50; ++i) {
        history.Push(static_cast<uint64_t>(i) * 3, Frames(i, 3));
        const auto end = static_cast<uint64_t>(i) * 3 + 3;
        for (auto run = history.FrontBefore(end); !run.empty();
             run = history.FrontBefore(end)) {
            const auto expected = static_cast<std::byte>(i);
            EXPECT_TRUE(
                std::ranges::all_of(run, [=](std::byte b) { return b == expected; }));
            given += static_cast<int>(run.size());
            history.Pop(run.size());
        }
    }
    EXPECT_EQ(given, 50 * 3 * static_cast<int>(kFrameBytes));
}

TEST(History, BeginsAnewAfterItWasEmpty) {
    History history{kFrameBytes, 8};
    history.Push(0, Frames(1, 4));
    history.Pop(history.FrontBefore(4).size());
    history.Push(1000, Frames(2, 4));
    EXPECT_TRUE(history.FrontBefore(1000).empty());
    EXPECT_EQ(history.FrontBefore(1001).size(), 1U * kFrameBytes);
}

}  // namespace
}  // namespace shmd::device
