#include "log_limiter.h"

#include "tests/support/manual_clock.h"

#include <gtest/gtest.h>

namespace shmd {
namespace {

using base::LogSubject;

class LogLimiterTest : public ::testing::Test {
  protected:
    /** How many of `lines` lines about `subject` are let through. */
    uint32_t Admitted(uint32_t lines, const LogSubject& subject) {
        uint32_t admitted = 0;
        for (uint32_t i = 0; i < lines; ++i)
            if (limiter_.TryAdmit(subject)) ++admitted;
        return admitted;
    }

    const LogSubject subject_{.kind = "dropped", .uid = 1000, .device = "tv"};
    testing::ManualClock clock_;
    LogLimiter limiter_{clock_};
};

TEST_F(LogLimiterTest, LetsABurstThroughAndThenOneASecond) {
    EXPECT_EQ(Admitted(1000, subject_), LogLimiter::kBurst);
    for (int second = 0; second < 5; ++second) {
        clock_.Advance(base::kNsPerSecond / 2);
        EXPECT_EQ(Admitted(1000, subject_), 0u);
        clock_.Advance(base::kNsPerSecond / 2);
        EXPECT_EQ(Admitted(1000, subject_), 1u);
    }
    clock_.Advance(100 * base::kNsPerSecond);
    EXPECT_EQ(Admitted(1000, subject_), LogLimiter::kBurst);
}

TEST_F(LogLimiterTest, TellsWithTheNextLineHowManyItLeftOut) {
    EXPECT_EQ(limiter_.TryAdmit(subject_), std::optional<uint64_t>{0});
    EXPECT_EQ(Admitted(LogLimiter::kBurst + 6, subject_), LogLimiter::kBurst - 1);
    clock_.Advance(base::kNsPerSecond);
    EXPECT_EQ(limiter_.TryAdmit(subject_), std::optional<uint64_t>{7});
    clock_.Advance(base::kNsPerSecond);
    EXPECT_EQ(limiter_.TryAdmit(subject_), std::optional<uint64_t>{0});
}

TEST_F(LogLimiterTest, TellsWhatItLeftOutWhenNoMoreComes) {
    static_cast<void>(Admitted(LogLimiter::kBurst + 3, subject_));
    EXPECT_TRUE(limiter_.HasRest());
    EXPECT_TRUE(limiter_.TakeRest(LogLimiter::kQuietNs).empty());
    clock_.Advance(LogLimiter::kQuietNs);
    const auto rest = limiter_.TakeRest(LogLimiter::kQuietNs);
    ASSERT_EQ(rest.size(), 1u);
    EXPECT_EQ(rest.front().subject, subject_);
    EXPECT_EQ(rest.front().left_out, 3u);
    EXPECT_FALSE(limiter_.HasRest());
    EXPECT_TRUE(limiter_.TakeRest(0).empty());
}

TEST_F(LogLimiterTest, KeepsUsersKindsAndDevicesApart) {
    static_cast<void>(Admitted(1000, subject_));
    for (const LogSubject& other :
         {LogSubject{.kind = "gone", .uid = 1000, .device = "tv"},
          LogSubject{.kind = "dropped", .uid = 1001, .device = "tv"},
          LogSubject{.kind = "dropped", .uid = 1000, .device = "radio"}})
        EXPECT_EQ(Admitted(1000, other), LogLimiter::kBurst);
}

TEST_F(LogLimiterTest, BoundsAllTogetherWhateverUsersThereAre) {
    uint32_t admitted = 0;
    for (uint32_t uid = 0; uid < 10 * LogLimiter::kMostSubjects; ++uid)
        admitted += Admitted(1, {.kind = "dropped", .uid = uid});
    EXPECT_EQ(admitted, LogLimiter::kMostSubjects + LogLimiter::kBurst);
}

TEST_F(LogLimiterTest, ForgetsWhoHasBeenQuiet) {
    for (uint32_t uid = 0; uid < LogLimiter::kMostSubjects; ++uid)
        static_cast<void>(Admitted(1, {.kind = "dropped", .uid = uid}));
    clock_.Advance(base::kNsPerSecond);
    EXPECT_EQ(Admitted(1000, subject_), LogLimiter::kBurst);
}

}  // namespace
}  // namespace shmd
