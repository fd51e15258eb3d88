#include "loop/timer.h"

#include "loop_fixture.h"

#include <memory>

namespace shmd::loop {
namespace {

class TimerTest : public LoopTest {};
SHMD_IN_BOTH_MODES(TimerTest);

/** Far enough for the test to act before it on a machine that does other things too. */
constexpr int64_t kSoonNs = 100 * base::kNsPerMs;

TEST_P(TimerTest, TimersExpireInTheOrderOfTheirDeadlines) {
    std::vector<int> order;
    Timer third{TheLoop(), [&] { order.push_back(3); }};
    Timer first{TheLoop(), [&] { order.push_back(1); }};
    Timer second{TheLoop(), [&] { order.push_back(2); }};
    const int64_t now_ns = NowNs();
    third.ArmAtNs(now_ns + 9 * base::kNsPerMs);
    first.ArmAtNs(now_ns + 3 * base::kNsPerMs);
    second.ArmAtNs(now_ns + 6 * base::kNsPerMs);
    ASSERT_TRUE(RunUntil([&] { return order.size() == 3; }));
    EXPECT_EQ(order, (std::vector{1, 2, 3}));
}

TEST_P(TimerTest, ATimerNeverExpiresEarly) {
    int64_t expired_ns = 0;
    Timer timer{TheLoop(), [&] { expired_ns = NowNs(); }};
    const int64_t deadline_ns = NowNs() + 5 * base::kNsPerMs;
    timer.ArmAtNs(deadline_ns);
    ASSERT_TRUE(RunUntil([&] { return expired_ns != 0; }));
    EXPECT_GE(expired_ns, deadline_ns);
}

TEST_P(TimerTest, ADeadlineThatIsPastExpiresInTheNextTurn) {
    for (const int64_t deadline_ns : {NowNs() - 1, int64_t{0}, int64_t{-1}, INT64_MIN}) {
        int calls = 0;
        Timer timer{TheLoop(), [&] { ++calls; }};
        timer.ArmAtNs(deadline_ns);
        TheLoop().RunOnce();
        EXPECT_EQ(calls, 1) << deadline_ns;
        EXPECT_FALSE(timer.Armed());
    }
}

TEST_P(TimerTest, ItExpiresOnceForEachTimeItIsArmed) {
    int calls = 0;
    Timer timer{TheLoop(), [&] { ++calls; }};
    timer.ArmAtNs(0);
    RunFor(5 * base::kNsPerMs);
    EXPECT_EQ(calls, 1);
}

TEST_P(TimerTest, ArmingLaterReplacesTheDeadline) {
    std::vector<int64_t> expired_ns;
    Timer timer{TheLoop(), [&] { expired_ns.push_back(NowNs()); }};
    timer.ArmAtNs(NowNs() + kSoonNs);
    SubmitQueued();
    const int64_t deadline_ns = NowNs() + 2 * kSoonNs;
    timer.ArmAtNs(deadline_ns);
    RunFor(3 * kSoonNs);
    ASSERT_EQ(expired_ns.size(), 1U);
    EXPECT_GE(expired_ns[0], deadline_ns);
}

TEST_P(TimerTest, ArmingEarlierReplacesTheDeadline) {
    bool expired = false;
    Timer timer{TheLoop(), [&] { expired = true; }};
    timer.ArmAtNs(NowNs() + 3600 * base::kNsPerSecond);
    SubmitQueued();
    timer.ArmAtNs(NowNs() + base::kNsPerMs);
    EXPECT_TRUE(RunUntil([&] { return expired; }));
}

TEST_P(TimerTest, ArmingTwiceInATurnKeepsTheLastDeadline) {
    int calls = 0;
    Timer timer{TheLoop(), [&] { ++calls; }};
    timer.ArmAtNs(NowNs() + 3600 * base::kNsPerSecond);
    timer.ArmAtNs(NowNs() + base::kNsPerMs);
    ASSERT_TRUE(RunUntil([&] { return calls > 0; }));
    EXPECT_EQ(calls, 1);
}

TEST_P(TimerTest, ACancelledTimerDoesNotExpire) {
    int calls = 0;
    Timer seen_by_the_kernel{TheLoop(), [&] { ++calls; }};
    Timer unseen{TheLoop(), [&] { ++calls; }};
    seen_by_the_kernel.ArmAtNs(NowNs() + kSoonNs);
    SubmitQueued();
    unseen.ArmAtNs(NowNs() + kSoonNs);
    seen_by_the_kernel.Cancel();
    unseen.ArmAtNs(base::kNever);
    EXPECT_FALSE(seen_by_the_kernel.Armed());
    EXPECT_FALSE(unseen.Armed());
    RunFor(2 * kSoonNs);
    EXPECT_EQ(calls, 0);
}

TEST_P(TimerTest, ACancelledTimerCanBeArmedAgainAtOnce) {
    bool expired = false;
    Timer timer{TheLoop(), [&] { expired = true; }};
    timer.ArmAtNs(NowNs() + 3600 * base::kNsPerSecond);
    SubmitQueued();
    timer.Cancel();
    timer.ArmAtNs(NowNs() + base::kNsPerMs);
    EXPECT_TRUE(RunUntil([&] { return expired; }));
}

TEST_P(TimerTest, ItCanBeCancelledAfterItExpiredInTheKernelAndBeforeItsCallback) {
    std::optional<Timer> one;
    std::optional<Timer> other;
    int calls = 0;
    one.emplace(TheLoop(), [&] { ++calls, other->Cancel(); });
    other.emplace(TheLoop(), [&] { ++calls, one->Cancel(); });
    one->ArmAtNs(0);
    other->ArmAtNs(0);
    RunFor(base::kNsPerMs);
    EXPECT_EQ(calls, 1);
}

TEST_P(TimerTest, ItsCallbackMayArmItAgain) {
    int calls = 0;
    std::optional<Timer> timer;
    timer.emplace(TheLoop(), [&] {
        if (++calls < 5) timer->ArmAtNs(NowNs() + base::kNsPerMs / 10);
    });
    timer->ArmAtNs(0);
    ASSERT_TRUE(RunUntil([&] { return calls == 5; }));
    RunFor(2 * base::kNsPerMs);
    EXPECT_EQ(calls, 5);
}

TEST_P(TimerTest, ItsCallbackMayDestroyIt) {
    auto token = std::make_shared<int>(0);
    std::unique_ptr<Timer> timer;
    timer = std::make_unique<Timer>(TheLoop(), [&timer, token] {
        timer.reset();
        ++*token;  // what the callback has captured is still there
    });
    timer->ArmAtNs(0);
    ASSERT_TRUE(RunUntil([&] { return *token == 1; }));
    EXPECT_EQ(token.use_count(), 1) << "the callback was not dropped";
}

TEST_P(TimerTest, ItsCallbackMayArmAndDestroyIt) {
    int calls = 0;
    std::unique_ptr<Timer> timer;
    timer = std::make_unique<Timer>(TheLoop(), [&] {
        ++calls;
        timer->ArmAtNs(0);
        timer.reset();
    });
    timer->ArmAtNs(0);
    RunFor(2 * base::kNsPerMs);
    EXPECT_EQ(calls, 1);
}

TEST_P(TimerTest, ADestroyedTimerDoesNotExpireAndDropsItsCallbackAtOnce) {
    auto token = std::make_shared<int>(0);
    {
        Timer timer{TheLoop(), [token] { ++*token; }};
        timer.ArmAtNs(NowNs() + kSoonNs);
        SubmitQueued();
    }
    EXPECT_EQ(token.use_count(), 1);
    RunFor(2 * kSoonNs);
    EXPECT_EQ(*token, 0);
}

}  // namespace
}  // namespace shmd::loop
