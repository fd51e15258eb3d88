#include "loop/event.h"

#include "loop_fixture.h"
#include "sockets.h"

#include <sys/eventfd.h>
#include <unistd.h>
#include <memory>
#include <system_error>
#include <thread>

namespace shmd::loop {
namespace {

class EventTest : public LoopTest {};
SHMD_IN_BOTH_MODES(EventTest);

void Write(const base::UniqueFd& event, uint64_t count) {
    ASSERT_EQ(write(event.Get(), &count, sizeof(count)), ssize_t{sizeof(count)});
}

TEST_P(EventTest, ItTellsTheSumOfWhatWasWritten) {
    const base::UniqueFd event{eventfd(0, EFD_CLOEXEC)};
    uint64_t told = 0;
    Write(event, 2);
    Write(event, 40);
    EventWatch watch{TheLoop(), event.Get(), [&](uint64_t count) { told = count; }};
    ASSERT_TRUE(RunUntil([&] { return told != 0; }));
    EXPECT_EQ(told, 42U);
}

TEST_P(EventTest, ItGoesOnAfterEachEvent) {
    for (const int flags : {int{EFD_CLOEXEC}, EFD_CLOEXEC | EFD_NONBLOCK}) {
        const base::UniqueFd event{eventfd(0, flags)};
        uint64_t sum = 0;
        EventWatch watch{TheLoop(), event.Get(), [&](uint64_t count) { sum += count; }};
        for (uint64_t i = 1; i <= 100; ++i) {
            Write(event, 1);
            ASSERT_TRUE(RunUntil([&] { return sum == i; }));
        }
    }
}

TEST_P(EventTest, ASemaphoreIsToldOneByOne) {
    const base::UniqueFd event{eventfd(3, EFD_CLOEXEC | EFD_SEMAPHORE)};
    std::vector<uint64_t> told;
    EventWatch watch{TheLoop(), event.Get(),
                     [&](uint64_t count) { told.push_back(count); }};
    ASSERT_TRUE(RunUntil([&] { return told.size() == 3; }));
    EXPECT_EQ(told, (std::vector<uint64_t>{1, 1, 1}));
}

TEST_P(EventTest, AnotherThreadReachesTheLoop) {
    const base::UniqueFd event{eventfd(0, EFD_CLOEXEC)};
    uint64_t sum = 0;
    EventWatch watch{TheLoop(), event.Get(), [&](uint64_t count) { sum += count; }};
    std::thread writer{[&] {
        for (int i = 0; i < 1000; ++i)
            Write(event, 1);
    }};
    EXPECT_TRUE(RunUntil([&] { return sum == 1000; }));
    writer.join();
}

TEST_P(EventTest, AnIdleWatchCostsNoTurn) {
    for (const int flags : {int{EFD_CLOEXEC}, EFD_CLOEXEC | EFD_NONBLOCK}) {
        const base::UniqueFd event{eventfd(0, flags)};
        EventWatch watch{TheLoop(), event.Get(), [](uint64_t) {}};
        const uint64_t before = TheLoop().EnterCalls();
        RunFor(20 * base::kNsPerMs);
        EXPECT_LE(TheLoop().EnterCalls() - before, 4U);
    }
}

TEST_P(EventTest, ItsCallbackMayDestroyIt) {
    const base::UniqueFd event{eventfd(1, EFD_CLOEXEC)};
    auto token = std::make_shared<int>(0);
    std::unique_ptr<EventWatch> watch;
    watch =
        std::make_unique<EventWatch>(TheLoop(), event.Get(), [&watch, token](uint64_t) {
            watch.reset();
            ++*token;
        });
    ASSERT_TRUE(RunUntil([&] { return *token == 1; }));
    EXPECT_EQ(token.use_count(), 1);
    Write(event, 1);
    RunFor(2 * base::kNsPerMs);
    EXPECT_EQ(*token, 1);
}

TEST_P(EventTest, ADestroyedWatchDoesNotReadADescriptorThatReusesItsNumber) {
    base::UniqueFd event{eventfd(0, EFD_CLOEXEC)};
    const int number = event.Get();
    {
        EventWatch never_submitted{TheLoop(), number, [](uint64_t) { FAIL(); }};
    }
    event.Reset();
    const base::UniqueFd other = NumberedFd(7);
    ASSERT_EQ(other.Get(), number);
    RunFor(base::kNsPerMs);
    EXPECT_EQ(NumberOf(other), 7U);
}

TEST_P(EventTest, WhatIsNotAnEventfdIsThrown) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const base::UniqueFd read_end{ends[0]};
    base::UniqueFd write_end{ends[1]};
    EventWatch watch{TheLoop(), read_end.Get(), [](uint64_t) { FAIL(); }};
    write_end.Reset();
    EXPECT_THROW(RunFor(base::kNsPerSecond), std::system_error);
}

}  // namespace
}  // namespace shmd::loop
