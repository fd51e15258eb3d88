#include "base/spsc_queue.h"

#include "tests/support/run_together.h"

#include <gtest/gtest.h>
#include <cstdint>
#include <memory>

namespace shmd::base {
namespace {

TEST(SpscQueue, IsEmptyAtFirst) {
    SpscQueue<int, 4> queue;
    int item = 0;
    EXPECT_FALSE(queue.TryPop(item));
}

TEST(SpscQueue, TakesAsManyAsItsCapacityAndNoMore) {
    SpscQueue<int, 4> queue;
    for (int i = 0; i < 4; ++i)
        EXPECT_TRUE(queue.TryPush(int{i}));
    EXPECT_FALSE(queue.TryPush(4));
}

TEST(SpscQueue, LeavesAnItemThatDoesNotFitWithItsOwner) {
    SpscQueue<std::unique_ptr<int>, 1> queue;
    EXPECT_TRUE(queue.TryPush(std::make_unique<int>(1)));
    auto item = std::make_unique<int>(2);
    EXPECT_FALSE(queue.TryPush(std::move(item)));
    ASSERT_NE(item, nullptr);
    EXPECT_EQ(*item, 2);
}

TEST(SpscQueue, KeepsTheOrderAroundItsEnd) {
    SpscQueue<int, 4> queue;
    int item = 0;
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(queue.TryPush(int{i}));
        EXPECT_TRUE(queue.TryPush(i + 100));
        ASSERT_TRUE(queue.TryPop(item));
        EXPECT_EQ(item, i);
        ASSERT_TRUE(queue.TryPop(item));
        EXPECT_EQ(item, i + 100);
    }
}

TEST(SpscQueueTwoThreads, HandsEveryItemOverOnceAndInOrder) {
    constexpr uint64_t kItems = 100'000;
    SpscQueue<std::unique_ptr<uint64_t>, 64> queue;
    uint64_t wrong = 0;
    test::RunTogether(
        [&] {
            std::unique_ptr<uint64_t> item;
            for (uint64_t expected = 0; expected < kItems; ++expected) {
                test::YieldUntil([&] { return queue.TryPop(item); });
                if (*item != expected) ++wrong;
            }
        },
        [&] {
            for (uint64_t i = 0; i < kItems; ++i) {
                auto item = std::make_unique<uint64_t>(i);
                test::YieldUntil([&] { return queue.TryPush(std::move(item)); });
            }
        });
    EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace shmd::base
