#include "base/event_log.h"

#include "tests/support/run_together.h"

#include <gtest/gtest.h>

namespace shmd::base {
namespace {

constexpr uint64_t kCapacity = 1024;

TEST(EventLog, GivesRecordsInTheirOrder) {
    EventLog log;
    log.Push({.code = 1, .a = 10});
    log.Push({.code = 2, .a = 20});
    EventRecord record;
    ASSERT_TRUE(log.TryPop(record));
    EXPECT_EQ(record.a, 10U);
    ASSERT_TRUE(log.TryPop(record));
    EXPECT_EQ(record.a, 20U);
    EXPECT_FALSE(log.TryPop(record));
}

TEST(EventLog, CountsWhatAFullQueueDrops) {
    EventLog log;
    for (uint64_t i = 0; i < kCapacity + 3; ++i)
        log.Push({.a = i});
    EXPECT_EQ(log.Dropped(), 3U);
}

TEST(EventLogTwoThreads, LosesNoRecordWithoutCountingIt) {
    constexpr uint64_t kRecords = 100'000;
    EventLog log;
    uint64_t popped = 0;
    uint64_t disorder = 0;
    std::atomic<bool> done{false};
    test::RunTogether(
        [&] {
            uint64_t last = 0;
            EventRecord record;
            const auto drain = [&] {
                while (log.TryPop(record)) {
                    if (record.a <= last || record.b != record.a * 3) ++disorder;
                    last = record.a;
                    ++popped;
                }
            };
            test::YieldUntil([&] {
                drain();
                return done.load(std::memory_order_acquire);
            });
            drain();
        },
        [&] {
            for (uint64_t i = 1; i <= kRecords; ++i)
                log.Push({.a = i, .b = i * 3});
            done.store(true, std::memory_order_release);
        });
    EXPECT_EQ(disorder, 0U);
    EXPECT_EQ(popped + log.Dropped(), kRecords);
}

}  // namespace
}  // namespace shmd::base
