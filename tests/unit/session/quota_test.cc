#include "session/quota.h"

#include <gtest/gtest.h>

namespace shmd::session {
namespace {

constexpr uid_t kAlice = 1000;
constexpr uid_t kBob = 1001;

class QuotaTest : public ::testing::Test {
  protected:
    Quota quota_{{.clients = 3, .clients_per_user = 2, .bytes_per_user = 100}};
};

TEST_F(QuotaTest, AllowsAsManyConnectionsOfAUserAsItSays) {
    EXPECT_EQ(quota_.TryCharge(kAlice, 1), nullptr);
    EXPECT_EQ(quota_.TryCharge(kAlice, 1), nullptr);
    EXPECT_STREQ(quota_.TryCharge(kAlice, 1), "max_clients_per_user");
}

TEST_F(QuotaTest, CountsEachUserApart) {
    quota_.TryCharge(kAlice, 1);
    quota_.TryCharge(kAlice, 1);
    EXPECT_EQ(quota_.TryCharge(kBob, 1), nullptr);
}

TEST_F(QuotaTest, AllowsAsManyConnectionsOfAllUsersAsItSays) {
    quota_.TryCharge(kAlice, 1);
    quota_.TryCharge(kAlice, 1);
    quota_.TryCharge(kBob, 1);
    EXPECT_STREQ(quota_.TryCharge(kBob, 1), "max_clients");
}

TEST_F(QuotaTest, AllowsAsManyBytesOfAUserAsItSays) {
    EXPECT_EQ(quota_.TryCharge(kAlice, 60), nullptr);
    EXPECT_STREQ(quota_.TryCharge(kAlice, 41), "max_memory_per_user_mib");
    EXPECT_EQ(quota_.TryCharge(kAlice, 40), nullptr);
}

TEST_F(QuotaTest, RefusesMoreBytesThanThereCouldBe) {
    quota_.TryCharge(kAlice, 60);
    EXPECT_STREQ(quota_.TryCharge(kAlice, UINT64_MAX), "max_memory_per_user_mib");
    EXPECT_STREQ(quota_.TryCharge(kBob, UINT64_MAX), "max_memory_per_user_mib");
}

TEST_F(QuotaTest, TakesBackWhatIsDischarged) {
    quota_.TryCharge(kAlice, 100);
    quota_.Discharge(kAlice, 100);
    EXPECT_EQ(quota_.TryCharge(kAlice, 100), nullptr);
}

TEST_F(QuotaTest, ChargesNothingForWhatItRefuses) {
    quota_.TryCharge(kAlice, 60);
    quota_.TryCharge(kAlice, 60);
    EXPECT_EQ(quota_.TryCharge(kAlice, 40), nullptr);
}

TEST_F(QuotaTest, HoldsToNewLimitsAndLetsThoseInStay) {
    quota_.TryCharge(kAlice, 1);
    quota_.SetLimits({.clients = 1, .clients_per_user = 1, .bytes_per_user = 1});
    EXPECT_STREQ(quota_.TryCharge(kBob, 1), "max_clients");
    quota_.Discharge(kAlice, 1);
    EXPECT_EQ(quota_.TryCharge(kBob, 1), nullptr);
}

}  // namespace
}  // namespace shmd::session
