#include "loop/helpers.h"

#include "loop_fixture.h"

#include <semaphore>
#include <string>
#include <thread>

namespace shmd::loop {
namespace {

class HelpersTest : public LoopTest {
  protected:
    void TearDown() override {
        helpers_.reset();
        LoopTest::TearDown();
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
    EXPECT_TRUE(RunUntil([&] { return helpers_->Unfinished(1) == 0; }));
}

TEST_P(HelpersTest, ADescriptorIsClosed) {
    const long before = OpenFds();
    helpers_->Close(1, base::UniqueFd{::dup(0)});
    EXPECT_TRUE(RunUntil([&] { return OpenFds() == before; }));
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

TEST_P(HelpersTest, TheyDoNotWaitForWorkThatHangs) {
    static std::binary_semaphore release{0};
    helpers_->Run(1, [] { release.acquire(); });
    helpers_.reset();
    release.release();
}

}  // namespace
}  // namespace shmd::loop
