#include "base/wakeup.h"

#include "base/clock.h"
#include "tests/support/run_together.h"

#include <gtest/gtest.h>

namespace shmd::base {
namespace {

TEST(Wakeup, KeepsASignalThatCameBeforeTheWait) {
    Wakeup wakeup;
    wakeup.Signal();
    wakeup.WaitUntil(kNever);  // for ever, were the signal lost
    EXPECT_TRUE(wakeup.Consume());
    EXPECT_FALSE(wakeup.Consume());
}

TEST(Wakeup, EndsItsWaitAtTheDeadline) {
    Wakeup wakeup;
    const SystemClock clock;
    const int64_t deadline = clock.NowNs() + kNsPerMs;
    while (clock.NowNs() < deadline)
        wakeup.WaitUntil(deadline);
    EXPECT_FALSE(wakeup.IsSignalled());
}

TEST(WakeupTwoThreads, LosesNoSignal) {
    constexpr uint64_t kRounds = 100'000;
    Wakeup wakeup;
    std::atomic<uint64_t> asked{0};
    std::atomic<uint64_t> answered{0};
    test::RunTogether(
        [&] {
            // Without a deadline: a signal that is lost hangs the test.
            for (uint64_t done = 0; done < kRounds;) {
                wakeup.Consume();
                const uint64_t now = asked.load(std::memory_order_acquire);
                if (now != done) {
                    done = now;
                    answered.store(done, std::memory_order_release);
                    continue;
                }
                wakeup.WaitUntil(kNever);
            }
        },
        [&] {
            for (uint64_t i = 1; i <= kRounds; ++i) {
                asked.store(i, std::memory_order_release);
                wakeup.Signal();
                test::YieldUntil(
                    [&] { return answered.load(std::memory_order_acquire) == i; });
            }
        });
    EXPECT_EQ(answered, kRounds);
}

}  // namespace
}  // namespace shmd::base
