#include "loop/loop.h"

#include "loop/event.h"
#include "loop_fixture.h"
#include "sockets.h"

#include <sys/eventfd.h>
#include <memory>
#include <stdexcept>

namespace shmd::loop {
namespace {

class LoopTurnTest : public LoopTest {};
SHMD_IN_BOTH_MODES(LoopTurnTest);

TEST_P(LoopTurnTest, RunTurnsUntilItIsStopped) {
    int calls = 0;
    std::optional<Timer> timer;
    timer.emplace(TheLoop(), [&] {
        if (++calls == 3) TheLoop().Stop();
        timer->ArmAtNs(0);
    });
    timer->ArmAtNs(0);
    TheLoop().Run();
    EXPECT_EQ(calls, 3);
    TheLoop().Defer([&] { TheLoop().Stop(); });
    TheLoop().Run();
    EXPECT_EQ(calls, 4) << "a stopped loop can run again";
}

TEST_P(LoopTurnTest, AStopBeforeRunIsNotLost) {
    TheLoop().Stop();
    TheLoop().Run();
    EXPECT_EQ(TheLoop().EnterCalls(), 0U);
}

TEST_P(LoopTurnTest, OneTurnIsOneSystemCall) {
    const base::UniqueFd ready{eventfd(100, EFD_CLOEXEC | EFD_SEMAPHORE)};
    int calls = 0;
    std::vector<std::unique_ptr<EventWatch>> watches;
    for (int i = 0; i < 100; ++i)
        watches.push_back(std::make_unique<EventWatch>(TheLoop(), ready.Get(),
                                                       [&](uint64_t) { ++calls; }));
    TheLoop().RunOnce();
    EXPECT_EQ(TheLoop().EnterCalls(), 1U);
    EXPECT_EQ(calls, 100);
}

TEST_P(LoopTurnTest, MoreRequestsThanTheRingHoldsAreAllMade) {
    constexpr int kMany = 20 * Uring::kSubmissionEntries;
    int calls = 0;
    std::vector<std::unique_ptr<Timer>> timers;
    for (int i = 0; i < kMany; ++i) {
        timers.push_back(std::make_unique<Timer>(TheLoop(), [&] { ++calls; }));
        timers.back()->ArmAtNs(NowNs() + i % 7);
    }
    ASSERT_GT(kMany, static_cast<int>(Uring::kCompletionEntries));
    EXPECT_TRUE(RunUntil([&] { return calls == kMany; })) << calls;
}

TEST_P(LoopTurnTest, DeferredFunctionsRunAfterAllCompletionsOfTheTurn) {
    std::string order;
    const base::UniqueFd ready{eventfd(2, EFD_CLOEXEC | EFD_SEMAPHORE)};
    EventWatch first{TheLoop(), ready.Get(), [&](uint64_t) {
                         TheLoop().Defer([&] { order += "c"; });
                         TheLoop().Defer([&] { order += "d"; });
                         order += "a";
                     }};
    EventWatch second{TheLoop(), ready.Get(), [&](uint64_t) { order += "b"; }};
    TheLoop().RunOnce();
    EXPECT_EQ(order, "abcd");
}

TEST_P(LoopTurnTest, WhatADeferredFunctionDefersRunsInTheNextTurnWithoutWaiting) {
    std::string order;
    TheLoop().Defer([&] {
        order += "a";
        TheLoop().Defer([&] { order += "b"; });
    });
    TheLoop().RunOnce();
    EXPECT_EQ(order, "a");
    TheLoop().RunOnce();
    EXPECT_EQ(order, "ab");
}

TEST_P(LoopTurnTest, ADeferredFunctionThatHasNotRunIsDestroyedWithTheLoop) {
    const base::UniqueFd event = NumberedFd(1);
    auto token = std::make_shared<int>(0);
    auto watch = std::make_shared<EventWatch>(TheLoop(), event.Get(), [](uint64_t) {});
    TheLoop().Defer([token, watch = std::move(watch)] { ++*token; });
    DestroyLoop();
    EXPECT_EQ(token.use_count(), 1);
    EXPECT_EQ(*token, 0);
}

TEST_P(LoopTurnTest, AnExceptionFromACallbackLeavesTheTurnAndTheLoopGoesOn) {
    int calls = 0;
    Timer bad{TheLoop(), [] { throw std::runtime_error{"bad"}; }};
    Timer good{TheLoop(), [&] { ++calls; }};
    bad.ArmAtNs(0);
    good.ArmAtNs(0);
    EXPECT_THROW(RunFor(base::kNsPerSecond), std::runtime_error);
    EXPECT_TRUE(RunUntil([&] { return calls == 1; }));
    bad.ArmAtNs(0);
    EXPECT_THROW(RunFor(base::kNsPerSecond), std::runtime_error);
}

TEST_P(LoopTurnTest, AnExceptionFromADeferredFunctionDoesNotLoseTheOthers) {
    int calls = 0;
    TheLoop().Defer([] { throw std::runtime_error{"bad"}; });
    TheLoop().Defer([&] { ++calls; });
    EXPECT_THROW(TheLoop().RunOnce(), std::runtime_error);
    TheLoop().RunOnce();
    EXPECT_EQ(calls, 1);
}

TEST_P(LoopTurnTest, ItIsDestroyedOnlyWhenTheKernelHasLetGoOfEverything) {
    const base::UniqueFd event{NumberedFd(1)};
    {
        Timer timer{TheLoop(), [] {}};
        timer.ArmAtNs(NowNs() + 3600 * base::kNsPerSecond);
        EventWatch watch{TheLoop(), event.Get(), [](uint64_t) {}};
        RunFor(base::kNsPerMs);
        EXPECT_GE(TheLoop().InFlight(), 2U);
    }
    EXPECT_GE(TheLoop().InFlight(), 2U) << "cancelled, but the kernel does not know yet";
    DestroyLoop();  // AddressSanitizer and the fixture see what it leaves
    EXPECT_EQ(OpenFds(), FdsBefore() + 1);
}

}  // namespace
}  // namespace shmd::loop
