#include "loop/helpers.h"

#include "loop_fixture.h"
#include "tests/support/run_together.h"

#include <atomic>
#include <cerrno>
#include <semaphore>
#include <string>
#include <system_error>
#include <thread>

namespace shmd::loop {
namespace {

class HelpersTest : public LoopTest {
  protected:
    void TearDown() override {
        helpers_.reset();
        LoopTest::TearDown();
    }

    /** As RunUntil, for what a thread does without telling the loop. */
    [[nodiscard]] bool AwaitThread(const std::function<bool()>& condition) {
        const int64_t deadline_ns = NowNs() + 10 * base::kNsPerSecond;
        while (!condition() && NowNs() < deadline_ns)
            RunFor(base::kNsPerMs);
        return condition();
    }

    std::optional<Helpers> helpers_{std::in_place, TheLoop()};
};
SHMD_IN_BOTH_MODES(HelpersTest);

TEST_P(HelpersTest, WorkIsDoneElsewhereAndTheEndIsToldHere) {
    std::thread::id worker;
    std::thread::id teller;
    helpers_->Run(
        1, [&] { worker = std::this_thread::get_id(); },
        [&] { teller = std::this_thread::get_id(); });
    ASSERT_TRUE(RunUntil([&] { return teller != std::thread::id{}; }));
    EXPECT_NE(worker, std::this_thread::get_id());
    EXPECT_EQ(teller, std::this_thread::get_id());
}

TEST_P(HelpersTest, WorkOfOneUserIsDoneInItsOrder) {
    std::string order;  // of the one thread
    int done = 0;
    for (char name = 'a'; name <= 'j'; ++name)
        helpers_->Run(
            1, [&order, name] { order += name; }, [&] { ++done; });
    ASSERT_TRUE(RunUntil([&] { return done == 10; }));
    EXPECT_EQ(order, "abcdefghij");
    EXPECT_EQ(helpers_->Unfinished(1), 0U);
}

TEST_P(HelpersTest, AUserWhoseWorkHangsHoldsUpNoOther) {
    std::binary_semaphore release{0};
    helpers_->Run(1, [&] { release.acquire(); });
    helpers_->Run(1, [] {});
    bool done = false;
    helpers_->Run(
        2, [] {}, [&] { done = true; });
    EXPECT_TRUE(RunUntil([&] { return done; }));
    EXPECT_EQ(helpers_->Unfinished(1), 2U);
    release.release();
    EXPECT_TRUE(AwaitThread([&] { return helpers_->Unfinished(1) == 0; }));
}

TEST_P(HelpersTest, ADescriptorIsClosed) {
    const long before = OpenFds();
    helpers_->Close(1, base::UniqueFd{::dup(0)});
    EXPECT_TRUE(AwaitThread([&] { return OpenFds() == before; }));
}

TEST_P(HelpersTest, WhatIsOwnedIsDestroyedOnTheUsersThread) {
    struct Owned {
        explicit Owned(std::thread::id* there) : where{there} {}
        ~Owned() { *where = std::this_thread::get_id(); }
        std::thread::id* where;
    };
    std::thread::id where;
    auto owned = helpers_->Own(1, std::make_unique<Owned>(&where));
    const auto second = owned;
    owned.reset();
    EXPECT_EQ(helpers_->Unfinished(1), 0U);
    bool done = false;
    const_cast<std::shared_ptr<Owned>&>(second).reset();
    helpers_->Run(
        1, [] {}, [&] { done = true; });
    ASSERT_TRUE(RunUntil([&] { return done; }));
    EXPECT_NE(where, std::thread::id{});
    EXPECT_NE(where, std::this_thread::get_id());
}

TEST_P(HelpersTest, WhatIsOwnedMayOutliveThem) {
    const long before = OpenFds();
    auto owned =
        helpers_->Own(1, std::make_unique<base::UniqueFd>(base::UniqueFd{::dup(0)}));
    helpers_.reset();
    owned.reset();
    // A thread does it that nobody waits for.
    while (OpenFds() > before - 1)  // the helpers' own descriptor went, too
        std::this_thread::yield();
}

/** Threads of this process. */
long Threads() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/task"}, {});
}

TEST_P(HelpersTest, AThreadThatLetsSomethingGoAtTheEndDoesNotWaitForItself) {
    const auto closed =
        std::make_shared<base::UniqueFd>();  // of whatever: it has to be destroyed
    auto owned =
        helpers_->Own(1, std::make_unique<std::shared_ptr<base::UniqueFd>>(closed));
    std::binary_semaphore is_there{0};
    helpers_->Run(2, [&] { is_there.release(); });
    is_there.acquire();
    const long before = Threads();
    helpers_->Run(1, [&, last = std::move(owned)]() mutable {
        // The other, which has nothing to do, ends at the end.
        test::YieldUntil([=] { return Threads() <= before; });
        last.reset();
    });
    const int64_t begin_ns = NowNs();
    helpers_.reset();
    EXPECT_LT(NowNs() - begin_ns, base::kNsPerSecond);
    EXPECT_EQ(closed.use_count(), 1);
}

class ScarceThreadsTest : public HelpersTest {
  protected:
    ScarceThreadsTest() {
        helpers_.emplace(TheLoop(), [this](const char* name, std::function<void()> body) {
            ++tries_;
            return are_scarce_ ? EAGAIN : base::StartDetached(name, std::move(body));
        });
    }

    std::atomic<bool> are_scarce_ = true;
    std::atomic<int> tries_ = 0;
};
SHMD_IN_BOTH_MODES(ScarceThreadsTest);

TEST_P(ScarceThreadsTest, WhatWaitsForAThreadIsDoneWhenThereCanBeOne) {
    const long before = OpenFds();
    helpers_->Close(1, base::UniqueFd{::dup(0)});
    helpers_->Own(2, std::make_unique<base::UniqueFd>(base::UniqueFd{::dup(0)})).reset();
    ASSERT_TRUE(AwaitThread([&] { return tries_ >= 5; })) << "it tries no more";
    EXPECT_EQ(OpenFds(), before + 2);
    are_scarce_ = false;
    EXPECT_TRUE(AwaitThread([&] { return OpenFds() == before; }));
    EXPECT_TRUE(AwaitThread(
        [&] { return helpers_->Unfinished(1) + helpers_->Unfinished(2) == 0; }));
}

TEST_P(ScarceThreadsTest, WorkThatFindsNoThreadIsRefusedAndNothingElseIsTakenBack) {
    const long before = OpenFds();
    helpers_->Close(1, base::UniqueFd{::dup(0)});
    bool was_done = false;
    EXPECT_THROW(helpers_->Run(1, [&] { was_done = true; }), std::system_error);
    EXPECT_EQ(helpers_->Unfinished(1), 1U);
    are_scarce_ = false;
    EXPECT_TRUE(AwaitThread([&] { return OpenFds() == before; }));
    EXPECT_FALSE(was_done);
}

TEST_P(HelpersTest, TheyDoNotWaitForWorkThatHangs) {
    static std::binary_semaphore release{0};
    helpers_->Run(1, [] { release.acquire(); });
    helpers_.reset();
    release.release();
}

}  // namespace
}  // namespace shmd::loop
