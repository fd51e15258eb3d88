#include "engine/admission.h"

#include "base/clock.h"
#include "engine/realtime_pause.h"
#include "tests/support/allocation_count.h"

#include <gtest/gtest.h>
#include <new>

namespace shmd::engine {
namespace {

using base::kNsPerSecond;

constexpr int64_t kPercent = kNsPerSecond / 100;

constexpr uid_t kOwner = 999;
constexpr int64_t kPlainNs = kPercent / 50;

/** Have the user take all that it gets, in streams of 4 %, 1 % and as little as a plain
 * one. */
void TakeAll(Admission& admission, uid_t uid) {
    static uint64_t stream_id = 1'000'000;
    for (const int64_t cost_ns : {4 * kPercent, kPercent, kPlainNs})
        while (admission.TryAdd(++stream_id, uid, {cost_ns}).empty()) {
        }
}

TEST(AdmissionTest, GivesAUserHalfOfWhatOthersLeave) {
    Admission admission;
    EXPECT_EQ(admission.TryAdd(1, 1000, {31 * kPercent}), "");
    EXPECT_EQ(
        admission.TryAdd(2, 1000, {4 * kPercent + kPercent / 10}),
        "the stream takes 4.1 % of a processor, but this user's streams take 31.0 % of "
        "the 35.0 % allowed beside other users");
    EXPECT_EQ(admission.TryAdd(3, 1000, {4 * kPercent}), "");
    EXPECT_EQ(admission.TryAdd(4, 1001, {17 * kPercent}), "");
    EXPECT_NE(admission.TryAdd(5, 1001, {kPercent}), "");
    EXPECT_EQ(admission.TryAdd(6, 1002, {9 * kPercent}), "");
}

TEST(AdmissionTest, LeavesTimeToTheNextUserHoweverMuchOthersTake) {
    Admission admission;
    for (uid_t uid = 1001; uid <= 1004; ++uid)
        TakeAll(admission, uid);
    EXPECT_EQ(admission.TryAdd(1, 1000, {2 * kPercent}), "");
}

TEST(AdmissionTest, RefusesNoUserAPlainStreamForWhatOthersTake) {
    Admission admission{1, kOwner};
    TakeAll(admission, kOwner);
    for (uid_t uid = 1001; uid <= 1100; ++uid)
        TakeAll(admission, uid);
    EXPECT_NE(admission.TryAdd(1, 1000, {kPlainNs}), "");
    EXPECT_EQ(admission.TryAdd(1, 1000, {kPlainNs, true}), "");
    admission.Update(1, 80 * kPercent);
    EXPECT_EQ(admission.TryAdd(2, 1101, {kPlainNs, true}), "");
}

TEST(AdmissionTest, RefusesAUserPlainStreamsOfMoreThanHalfAProcessor) {
    Admission admission{1, kOwner};
    for (const uid_t uid : {uid_t{1000}, kOwner}) {
        EXPECT_EQ(admission.TryAdd(uid, uid, {50 * kPercent, true}), "");
        EXPECT_EQ(admission.TryAdd(uid + 1'000'000, uid, {kPercent, true}),
                  "the stream takes 1.0 % of a processor, but this user's streams take "
                  "50.0 % of the 50.0 % allowed");
    }
}

TEST(AdmissionTest, LetsTheOwnerTakeWhatOthersLeave) {
    Admission admission{1, kOwner};
    EXPECT_EQ(admission.TryAdd(1, 1000, {30 * kPercent}), "");
    EXPECT_EQ(admission.TryAdd(2, kOwner, {40 * kPercent}), "");
    EXPECT_EQ(
        admission.TryAdd(3, kOwner, {kPercent}),
        "the stream takes 1.0 % of a processor, but all users' streams take 70.0 % of "
        "the 70.0 % allowed");
    EXPECT_EQ(admission.TotalNs(), 70 * kPercent);
}

TEST(AdmissionTest, GivesBackWhatAStreamTookThatIsGone) {
    Admission admission;
    EXPECT_EQ(admission.TryAdd(1, 1000, {35 * kPercent}), "");
    EXPECT_NE(admission.TryAdd(2, 1000, {kPercent}), "");
    admission.Remove(2);  // was never counted
    EXPECT_EQ(admission.TotalNs(), 35 * kPercent);
    admission.Remove(1);
    EXPECT_EQ(admission.TotalNs(), 0);
    EXPECT_EQ(admission.OfUserNs(1000), 0);
    EXPECT_EQ(admission.TryAdd(2, 1000, {35 * kPercent}), "");
}

TEST(AdmissionTest, CountsNothingOfAStreamThatFoundNoMemory) {
    if (!test::kCanFailAllocations)
        GTEST_SKIP() << "allocations cannot be made to fail in a sanitizer's build";
    Admission admission;
    const auto try_add = [&](uint64_t failing_allocation) {
        const test::FailAllocation failure{failing_allocation};
        try {
            EXPECT_EQ(admission.TryAdd(1, 1000, {kPercent}), "");
            return true;
        } catch (const std::bad_alloc&) {
            return false;
        }
    };
    uint64_t failing = 1;
    for (; !try_add(failing); ++failing) {
        EXPECT_EQ(admission.TotalNs(), 0) << failing;
        admission.Remove(1);  // as of any stream
        EXPECT_EQ(admission.OfUserNs(1000), 0) << failing;
        EXPECT_EQ(admission.TotalNs(), 0) << failing;
    }
    EXPECT_GT(failing, 1U);
    EXPECT_EQ(admission.TotalNs(), kPercent);
}

TEST(AdmissionTest, CountsAStreamByWhatItTakesOnANewDevice) {
    Admission admission;
    EXPECT_EQ(admission.TryAdd(1, 1000, {kPercent}), "");
    admission.Update(1, 60 * kPercent);
    EXPECT_EQ(admission.OfUserNs(1000), 60 * kPercent);
    EXPECT_NE(admission.TryAdd(2, 1000, {kPercent}), "");
    admission.Remove(1);
    EXPECT_EQ(admission.TotalNs(), 0);
}

TEST(AdmissionTest, HasMoreToShareWithMoreProcessors) {
    Admission admission{4};
    EXPECT_EQ(admission.TryAdd(1, 1000, {140 * kPercent}), "");
    EXPECT_NE(admission.TryAdd(2, 1000, {kPercent}), "");
}

TEST(RealtimePauseTest, IsTwiceAsLongWhenItIsGivenUpAgainSoon) {
    RealtimePause pause;
    int64_t now_ns = kNsPerSecond;
    for (const int64_t seconds : {10, 20, 40, 80, 160, 300, 300}) {
        const int64_t end_ns = pause.Begin(now_ns);
        EXPECT_EQ(end_ns - now_ns, seconds * kNsPerSecond);
        now_ns = end_ns + kNsPerSecond;
    }
}

TEST(RealtimePauseTest, IsShortAgainWhenAllWasWellForLong) {
    RealtimePause pause;
    const int64_t end_ns = pause.Begin(pause.Begin(0));
    const int64_t later_ns = end_ns + RealtimePause::kMostNs;
    EXPECT_EQ(pause.Begin(later_ns) - later_ns, RealtimePause::kFirstNs);
}

TEST(RealtimePauseTest, BeginsAnewWhenTheStreamsStillTakeTooMuch) {
    RealtimePause pause;
    pause.Begin(0);
    EXPECT_EQ(pause.Extend(5 * kNsPerSecond), 15 * kNsPerSecond);
}

}  // namespace
}  // namespace shmd::engine
