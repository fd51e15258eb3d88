#include "device/pcm_handover.h"

#include "tests/support/run_together.h"

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

TEST(PcmHandover, GivesAnIdleHandleToWhoeverTakesItFirst) {
    PcmHandover handover;
    EXPECT_FALSE(handover.TryStart()) << "it is not open";
    handover.Opened();
    EXPECT_TRUE(handover.TryStart());
    EXPECT_FALSE(handover.TryClose()) << "it is started";
    handover.Stop();
    EXPECT_TRUE(handover.TryClose());
    EXPECT_FALSE(handover.TryStart());
}

TEST(PcmHandover, GivesAFailedHandleBackToBeClosedOnly) {
    PcmHandover handover;
    handover.Opened();
    EXPECT_TRUE(handover.TryStart());
    handover.Fail();
    EXPECT_FALSE(handover.IsUsable());
    EXPECT_FALSE(handover.TryStart());
    EXPECT_TRUE(handover.TryClose());
}

TEST(PcmHandoverTwoThreads, NeverGivesTheHandleToBoth) {
    PcmHandover handover;
    int handle = 0;  // whoever has it may write it: a race is seen by ThreadSanitizer
    constexpr int kRounds = 100'000;
    int starts = 0;
    int closes = 0;
    test::RunTogether(
        [&] {  // the loop
            for (int i = 0; i < kRounds; ++i) {
                if (!handover.TryClose()) continue;
                handle = ++closes;
                handover.Opened();
            }
        },
        [&] {  // the audio thread
            for (int i = 0; i < kRounds; ++i) {
                if (!handover.TryStart()) continue;
                handle = -++starts;
                handover.Stop();
            }
        });
    EXPECT_GT(closes, 0);
    EXPECT_TRUE(handle == closes || handle == -starts);
}

}  // namespace
}  // namespace shmd::device
