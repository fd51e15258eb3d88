#include "tests/support/manual_clock.h"

#include <atomic>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace shmd::testing {
namespace {

constexpr int64_t kStartNs = 1000;

/**
 * A thread that works as an audio thread does: at each multiple of `period_ns` it writes
 * down the time, and it looks at its orders whenever it is woken.
 */
class Ticker {
  public:
    Ticker(ManualClock& clock, int64_t period_ns)
        : clock_{clock}, period_ns_{period_ns}, thread_{[this] { Run(); }} {}
    Ticker(const Ticker&) = delete;
    Ticker& operator=(const Ticker&) = delete;
    ~Ticker() {
        stop_.store(true, std::memory_order_release);
        wakeup_.Signal();
        thread_.join();
    }

    void Order(int order) {
        order_.store(order, std::memory_order_release);
        wakeup_.Signal();
    }
    [[nodiscard]] int Obeyed() const { return obeyed_.load(std::memory_order_acquire); }

    /** Call only while the ticker has settled; TSan would find it if that were not so. */
    [[nodiscard]] const std::vector<int64_t>& Ticks() const { return ticks_; }

  private:
    void Run() {
        int64_t next_ns = clock_.NowNs() + period_ns_;
        while (!stop_.load(std::memory_order_acquire)) {
            clock_.WaitUntil(next_ns, wakeup_);
            if (wakeup_.Consume())
                obeyed_.store(order_.load(std::memory_order_acquire),
                              std::memory_order_release);
            for (; clock_.NowNs() >= next_ns; next_ns += period_ns_)
                ticks_.push_back(clock_.NowNs());
        }
    }

    ManualClock& clock_;
    const int64_t period_ns_;
    base::Wakeup wakeup_;
    std::atomic<bool> stop_{false};
    std::atomic<int> order_{0};
    std::atomic<int> obeyed_{0};
    std::vector<int64_t> ticks_;
    std::thread thread_;  // last: it uses all of the above
};

TEST(ManualClock, StandsStillUntilItIsMoved) {
    ManualClock clock{kStartNs};
    EXPECT_EQ(clock.NowNs(), kStartNs);
    clock.Advance(5);
    EXPECT_EQ(clock.NowNs(), kStartNs + 5);
}

TEST(ManualClock, DoesNotWaitForADeadlineThatHasPassed) {
    ManualClock clock{kStartNs};
    base::Wakeup wakeup;
    clock.WaitUntil(kStartNs, wakeup);
    EXPECT_FALSE(wakeup.Consume());
}

TEST(ManualClock, ReturnsAtOnceForASignalThatCameBeforeTheWait) {
    ManualClock clock{kStartNs};
    base::Wakeup wakeup;
    wakeup.Signal();
    clock.WaitUntil(base::kNever, wakeup);
    EXPECT_TRUE(wakeup.Consume());
}

TEST(ManualClockTwoThreads, StopAtEveryDeadlineOnTheWay) {
    ManualClock clock{kStartNs};
    Ticker ticker{clock, 10};
    clock.AdvanceAndSettle(35);
    EXPECT_EQ(ticker.Ticks(), (std::vector<int64_t>{1010, 1020, 1030}));
    EXPECT_EQ(clock.NowNs(), kStartNs + 35);
    clock.AdvanceAndSettle(5);
    EXPECT_EQ(ticker.Ticks(), (std::vector<int64_t>{1010, 1020, 1030, 1040}));
}

TEST(ManualClockTwoThreads, SettleThousandsOfTimesWithoutLosingATick) {
    ManualClock clock{kStartNs};
    Ticker ticker{clock, 7};
    for (int i = 0; i < 2000; ++i)
        clock.AdvanceAndSettle(5);
    ASSERT_EQ(ticker.Ticks().size(), 10'000U / 7);
    for (size_t i = 0; i < ticker.Ticks().size(); ++i)
        ASSERT_EQ(ticker.Ticks()[i], kStartNs + 7 * static_cast<int64_t>(i + 1));
}

TEST(ManualClockTwoThreads, WakeTheWaiterThatAPlainAdvancePasses) {
    ManualClock clock{kStartNs};
    Ticker ticker{clock, 10};
    clock.AdvanceAndSettle(0);
    clock.Advance(35);
    clock.AdvanceAndSettle(0);
    EXPECT_EQ(ticker.Ticks(), (std::vector<int64_t>{1035, 1035, 1035}));
}

TEST(ManualClockTwoThreads, HandleASignalBeforeTimeMovesOn) {
    ManualClock clock{kStartNs};
    Ticker ticker{clock, base::kNever / 2};
    for (int order = 1; order <= 2000; ++order) {
        ticker.Order(order);
        clock.AdvanceAndSettle(1);
        ASSERT_EQ(ticker.Obeyed(), order);
    }
    EXPECT_TRUE(ticker.Ticks().empty());
}

}  // namespace
}  // namespace shmd::testing
