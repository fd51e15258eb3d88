#include "base/latest_value.h"

#include "tests/support/run_together.h"

#include <gtest/gtest.h>
#include <cstdint>

namespace shmd::base {
namespace {

/** Counts itself, and knows whether it was written whole. */
struct Value {
    Value(std::atomic<int>& count, uint64_t number)
        : count_{count}, number_{number}, check_{~number} {
        ++count_;
    }
    Value(const Value&) = delete;
    Value& operator=(const Value&) = delete;
    ~Value() { --count_; }

    std::atomic<int>& count_;
    uint64_t number_;
    uint64_t check_;
};

class LatestValueTest : public ::testing::Test {
  protected:
    std::unique_ptr<Value> Make(uint64_t number) {
        return std::make_unique<Value>(alive_, number);
    }

    std::atomic<int> alive_{0};
};

TEST_F(LatestValueTest, GivesNothingBeforeThereIsAny) {
    LatestValue<Value> latest;
    EXPECT_EQ(latest.Take(), nullptr);
}

TEST_F(LatestValueTest, GivesAValueOnce) {
    LatestValue<Value> latest;
    latest.Publish(Make(1));
    EXPECT_EQ(latest.Take()->number_, 1U);
    EXPECT_EQ(latest.Take(), nullptr);
}

TEST_F(LatestValueTest, FreesAValueThatWasReplaced) {
    LatestValue<Value> latest;
    latest.Publish(Make(1));
    latest.Publish(Make(2));
    EXPECT_EQ(alive_, 1);
    EXPECT_EQ(latest.Take()->number_, 2U);
}

TEST_F(LatestValueTest, FreesAValueThatNobodyTook) {
    {
        LatestValue<Value> latest;
        latest.Publish(Make(1));
    }
    EXPECT_EQ(alive_, 0);
}

using LatestValueTwoThreads = LatestValueTest;

TEST_F(LatestValueTwoThreads, GivesWholeValuesThatNeverGoBackAndFreesEachOnce) {
    constexpr uint64_t kValues = 50'000;
    uint64_t wrong = 0;
    uint64_t last = 0;
    {
        LatestValue<Value> latest;
        test::RunTogether(
            [&] {
                test::YieldUntil([&] {
                    const auto value = latest.Take();
                    if (!value) return false;
                    if (value->number_ <= last || value->check_ != ~value->number_)
                        ++wrong;
                    last = value->number_;
                    return last == kValues;
                });
            },
            [&] {
                for (uint64_t i = 1; i <= kValues; ++i)
                    latest.Publish(Make(i));
            });
    }
    EXPECT_EQ(wrong, 0U);
    EXPECT_EQ(alive_, 0);
}

}  // namespace
}  // namespace shmd::base
