#include "loop/user_task.h"

#include "loop/calm_task.h"
#include "loop_fixture.h"

#include <sys/types.h>
#include <algorithm>
#include <ctime>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace shmd::loop {
namespace {

/** Use the processor for so long. */
void Work(int64_t duration_ns) {
    const auto now = [] {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return int64_t{time.tv_sec} * base::kNsPerSecond + time.tv_nsec;
    };
    for (const int64_t end = now() + duration_ns; now() < end;) {
    }
}

class UserTaskTest : public LoopTest {
  protected:
    /** A task that writes `name` down, works, and wants to run `again` times more. */
    std::unique_ptr<UserTask> Make(uid_t user, char name, int64_t cost_ns, int again) {
        const auto slot = std::make_shared<UserTask*>(nullptr);
        auto task = std::make_unique<UserTask>(
            TheLoop(), user,
            [this, slot, name, cost_ns, again]() mutable {
                order_ += name;
                Work(cost_ns);
                if (++runs_[name] <= again) (*slot)->Request();
            },
            [this](int64_t) { ++dear_; });
        *slot = task.get();
        return task;
    }

    [[nodiscard]] bool RunUntilOrderHas(size_t size) {
        return RunUntil([&] { return order_.size() >= size; });
    }

    std::string order_;
    std::map<char, int> runs_;
    int dear_ = 0;
};
SHMD_IN_BOTH_MODES(UserTaskTest);

TEST_P(UserTaskTest, RunsOnceForManyRequests) {
    const auto task = Make(1, 'a', 0, 0);
    for (int i = 0; i < 3; ++i)
        task->Request();
    ASSERT_TRUE(RunUntilOrderHas(1));
    RunFor(base::kNsPerMs);
    EXPECT_EQ(order_, "a");
}

TEST_P(UserTaskTest, TasksOfOneUserRunInTheirOrder) {
    const auto a = Make(1, 'a', 0, 0);
    const auto b = Make(1, 'b', 0, 0);
    const auto c = Make(1, 'c', 0, 0);
    for (const auto* task : {&b, &a, &c})
        (*task)->Request();
    ASSERT_TRUE(RunUntilOrderHas(3));
    EXPECT_EQ(order_, "bac");
}

TEST_P(UserTaskTest, AUserWithOneTaskWaitsForOneOfAUserWithMany) {
    std::vector<std::unique_ptr<UserTask>> crowd;
    for (int i = 0; i < 200; ++i) {
        crowd.push_back(Make(1, 'x', 100'000, 0));
        crowd.back()->Request();
    }
    ASSERT_TRUE(RunUntilOrderHas(20));
    const size_t before = order_.size();
    const auto honest = Make(2, 'h', 0, 0);
    honest->Request();
    ASSERT_TRUE(RunUntil([&] { return order_.find('h') != std::string::npos; }));
    EXPECT_LE(order_.find('h'), before + 1);
}

TEST_P(UserTaskTest, UsersGetTheSameTimeHoweverDearTheirTasksAre) {
    const auto dear = Make(1, 'd', 1'000'000, 1000);
    const auto cheap = Make(2, 'c', 100'000, 1000);
    dear->Request();
    cheap->Request();
    ASSERT_TRUE(RunUntilOrderHas(110));
    const auto dears = std::ranges::count(order_, 'd');
    EXPECT_GE(dears, 5);
    EXPECT_LE(dears, 20);
}

TEST_P(UserTaskTest, AUserWhoWasIdleHasSavedNothingUp) {
    const auto idle = Make(1, 'i', 100'000, 1000);
    const auto busy = Make(2, 'b', 100'000, 1000);
    busy->Request();
    ASSERT_TRUE(RunUntilOrderHas(100));
    idle->Request();
    const size_t before = order_.size();
    ASSERT_TRUE(RunUntilOrderHas(before + 20));
    EXPECT_GE(std::ranges::count(order_.substr(before), 'b'), 5);
}

TEST_P(UserTaskTest, CompletionsHaveTheirTurnWhileTasksNeverEnd) {
    const auto task = Make(1, 'x', 10'000, 1'000'000);
    task->Request();
    RunFor(5 * base::kNsPerMs);  // its timer would never go off
    EXPECT_GT(order_.size(), 10U);
    EXPECT_LT(order_.size(), 5000U);
}

TEST_P(UserTaskTest, ACancelledTaskDoesNotRun) {
    const auto task = Make(1, 'x', 0, 0);
    task->Request();
    task->Cancel();
    RunFor(base::kNsPerMs);
    EXPECT_EQ(order_, "");
    task->Request();
    EXPECT_TRUE(RunUntilOrderHas(1));
}

TEST_P(UserTaskTest, ADestroyedTaskDoesNotRun) {
    auto task = Make(1, 'x', 0, 0);
    task->Request();
    task.reset();
    RunFor(base::kNsPerMs);
    EXPECT_EQ(order_, "");
}

TEST_P(UserTaskTest, ATaskMayDestroyItself) {
    std::unique_ptr<UserTask> task;
    task = std::make_unique<UserTask>(
        TheLoop(), 1, [&] { task.reset(); }, [](int64_t) {});
    task->Request();
    EXPECT_TRUE(RunUntil([&] { return task == nullptr; }));
}

TEST_P(UserTaskTest, OneRunThatIsTooDearIsForgivenAndThreeAreTold) {
    const auto task = Make(1, 'x', UserTask::kTooDearNs + 1'000'000, 2);
    task->Request();
    ASSERT_TRUE(RunUntilOrderHas(2));
    EXPECT_EQ(dear_, 0);
    ASSERT_TRUE(RunUntilOrderHas(3));
    RunFor(base::kNsPerMs);
    EXPECT_EQ(dear_, 1);
}

TEST_P(UserTaskTest, ACalmTaskWaitsUntilFewNewcomersAreLeft) {
    std::vector<std::unique_ptr<UserTask>> crowd;
    for (int i = 0; i < 200; ++i) {
        crowd.push_back(Make(1, 'x', 100'000, 0));
        crowd.back()->Request();
    }
    CalmTask calm{TheLoop(), [this] { order_ += 'c'; }};
    calm.Request();
    ASSERT_TRUE(RunUntil([&] { return order_.find('c') != std::string::npos; }));
    EXPECT_GT(order_.find('c'), 200 - Loop::kMostNewcomers);
}

TEST_P(UserTaskTest, ACalmTaskDoesNotWaitForThoseThatHaveSettledIn) {
    std::vector<std::unique_ptr<UserTask>> crowd;
    for (int i = 0; i < 200; ++i) {
        crowd.push_back(Make(1, 'x', 100'000, 0));
        crowd.back()->Request();
        crowd.back()->SettleIn();
    }
    CalmTask calm{TheLoop(), [this] { order_ += 'c'; }};
    calm.Request();
    ASSERT_TRUE(RunUntil([&] { return order_.find('c') != std::string::npos; }));
    EXPECT_LT(order_.find('c'), 100U);
}

TEST_P(UserTaskTest, NewcomersWithDearTasksHoldUpNoCalmTask) {
    std::vector<std::unique_ptr<UserTask>> crowd;
    for (int i = 0; i < 200; ++i) {
        crowd.push_back(Make(1, 'x', 2 * UserQueue::kDearForNewcomerNs, 0));
        crowd.back()->Request();
    }
    CalmTask calm{TheLoop(), [this] { order_ += 'c'; }};
    calm.Request();
    ASSERT_TRUE(RunUntil([&] { return order_.find('c') != std::string::npos; }));
    EXPECT_LT(order_.find('c'), 30U);  // what they may at once, and they pause
}

TEST_P(UserTaskTest, AnExceptionLeavesTheLoopUsable) {
    UserTask bad{TheLoop(), 1, [] { throw std::runtime_error{"bad"}; }, [](int64_t) {}};
    bad.Request();
    EXPECT_THROW(RunFor(base::kNsPerSecond), std::runtime_error);
    const auto good = Make(1, 'g', 0, 0);
    good->Request();
    EXPECT_TRUE(RunUntilOrderHas(1));
}

TEST_P(UserTaskTest, OneDearTaskMakesNoPause) {
    const auto dear = Make(1, 'd', UserQueue::kDearBurstNs / 2, 1);
    dear->Request();
    ASSERT_TRUE(RunUntilOrderHas(1));
    const int64_t begin_ns = NowNs();
    ASSERT_TRUE(RunUntilOrderHas(2));
    EXPECT_LT(NowNs() - begin_ns, UserQueue::kPauseFactor * UserQueue::kDearBurstNs / 2);
}

TEST_P(UserTaskTest, AUserWhoPausesHoldsUpNoOther) {
    const auto dear = Make(1, 'd', 2 * UserQueue::kDearBurstNs, 1);
    const auto honest = Make(2, 'h', 0, 0);
    dear->Request();
    ASSERT_TRUE(RunUntilOrderHas(1));
    honest->Request();
    ASSERT_TRUE(RunUntilOrderHas(2));
    EXPECT_EQ(order_, "dh");
}

/** A queue, asked at times that are made up. */
class UserQueueTest : public LoopTest {
  protected:
    struct Member {
        Member(UserQueueTest& test, uid_t uid)
            : user{uid}, task{test.TheLoop(), uid, [] {}, [](int64_t) {}} {
            test.queue_.Register(uid);
        }
        uid_t user;
        UserTask task;
        UserQueue::Place place{task};
    };

    void Add(Member& member) { queue_.Add(member.user, member.place); }

    /** The next one is served, which takes so long, and waits again. @return its user */
    uid_t Serve(int64_t cost_ns) {
        UserTask* const next = queue_.Next(now_ns_);
        now_ns_ += cost_ns;
        queue_.Charge(next->User(), cost_ns, now_ns_, false);
        return next->User();
    }

    UserQueue queue_;
    int64_t now_ns_ = base::kNsPerSecond;
};
SHMD_IN_BOTH_MODES(UserQueueTest);

TEST_P(UserQueueTest, AUserWhoseTasksAreDearAgainAndAgainPauses) {
    constexpr int64_t kCostNs = UserQueue::kDearBurstNs / 2;
    Member dear{*this, 1};
    Add(dear);
    for (int i = 0; i < 3; ++i)
        ASSERT_EQ(Serve(kCostNs), 1U);
    // What the time of the second and the third has made good is not paused for.
    const int64_t excess_ns = kCostNs - 2 * kCostNs / UserQueue::kPauseFactor;
    EXPECT_EQ(queue_.NextTimeNs(), now_ns_ + UserQueue::kPauseFactor * excess_ns);
    EXPECT_EQ(queue_.Next(now_ns_), nullptr);
}

TEST_P(UserQueueTest, AUserWhoPausedHasSavedNothingUp) {
    Member dear{*this, 1};
    Add(dear);
    ASSERT_EQ(Serve(3 * UserQueue::kDearBurstNs), 1U);
    const int64_t end_ns = queue_.NextTimeNs();
    ASSERT_GT(end_ns, now_ns_);
    Member busy{*this, 2};
    Add(busy);
    while (now_ns_ < end_ns)
        ASSERT_EQ(Serve(base::kNsPerMs), 2U);
    int count = 0;
    for (int i = 0; i < 20; ++i)
        count += Serve(base::kNsPerMs) == 1U ? 1 : 0;
    EXPECT_NEAR(count, 10, 1);
}

TEST_P(UserQueueTest, WhatIsDearForANewcomerMakesNoPauseForThoseThatHaveSettledIn) {
    Member member{*this, 1};
    Add(member);
    for (int i = 0; i < 50; ++i)
        ASSERT_EQ(Serve(2 * UserQueue::kDearForNewcomerNs), 1U);
    EXPECT_EQ(queue_.NextTimeNs(), 0);
}

/** Below what a connection is ended for. */
TEST_P(UserQueueTest, ManyTasksThatAreAloneNotTooDearMakeAPauseTogether) {
    Member member{*this, 1};
    Add(member);
    constexpr int64_t kCostNs = UserTask::kTooDearNs / 2;
    int served = 0;
    while (queue_.NextTimeNs() == 0 && served < 20) {
        ASSERT_EQ(Serve(kCostNs), 1U);
        ++served;
    }
    EXPECT_LE(served * kCostNs, 2 * UserQueue::kDearBurstNs);
}

TEST_P(UserQueueTest, AUserWhoLeavesAndComesBackStillHasToPause) {
    {
        Member dear{*this, 1};
        Add(dear);
        ASSERT_EQ(Serve(3 * UserQueue::kDearBurstNs), 1U);
        queue_.Remove(dear.user, dear.place);
        queue_.Unregister(1);
    }
    Member busy{*this, 2};
    Add(busy);
    for (int i = 0; i < 100; ++i)
        ASSERT_EQ(Serve(base::kNsPerMs), 2U);
    queue_.Remove(busy.user, busy.place);
    Member again{*this, 1};
    Add(again);
    EXPECT_EQ(queue_.Next(now_ns_), nullptr);
}

TEST(UserQueue, ForgetsUsersWithoutTasks) {
    UserQueue queue;
    for (uid_t user = 0; user < 1000; ++user) {
        queue.Register(user);
        queue.Unregister(user);
    }
    EXPECT_LE(queue.Users(), 2U);
}

}  // namespace
}  // namespace shmd::loop
