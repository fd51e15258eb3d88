#include "session/accounts.h"
#include "session/charge.h"

#include <gtest/gtest.h>
#include <array>
#include <random>
#include <vector>

namespace shmd::session {
namespace {

constexpr uid_t kOwner = 100;
constexpr uid_t kAlice = 1000;
constexpr uid_t kBob = 1001;

constexpr Amounts kOneConnection{.connections = 1};

std::shared_ptr<Accounts> Make(const Accounts::Limits& limits) {
    return std::make_shared<Accounts>(limits, kOwner);
}

Amounts Connections(uint64_t count) {
    Amounts amounts = kUnlimitedAmounts;
    amounts.connections = count;
    return amounts;
}

Amounts Memory(uint64_t bytes) {
    Amounts amounts = kUnlimitedAmounts;
    amounts.memory_bytes = bytes;
    return amounts;
}

/** As many charges of one connection as the user gets. */
std::vector<Charge> TakeAll(const std::shared_ptr<Accounts>& accounts, uid_t uid) {
    std::vector<Charge> held;
    for (;;) {
        Charge charge{accounts, uid};
        if (charge.TryHold(kOneConnection)) return held;
        held.push_back(std::move(charge));
    }
}

TEST(Accounts, AllowAsManyConnectionsOfAUserAsTheySay) {
    const auto accounts = Make({.per_user = Connections(2)});
    EXPECT_EQ(TakeAll(accounts, kAlice).size(), 2U);
    const auto held = TakeAll(accounts, kAlice);
    EXPECT_STREQ(Charge(accounts, kAlice).TryHold(kOneConnection).reason,
                 "the limit max_clients_per_user of shmd.conf is reached");
}

TEST(Accounts, CountEachUserApart) {
    const auto accounts = Make({.per_user = Connections(2)});
    const auto held = TakeAll(accounts, kAlice);
    EXPECT_EQ(TakeAll(accounts, kBob).size(), 2U);
}

TEST(Accounts, AllowAsManyConnectionsOfAllUsersAsTheySay) {
    const auto accounts = Make({.total = Connections(3), .per_user = Connections(2)});
    const auto held = TakeAll(accounts, kOwner);
    Charge last{accounts, kBob};
    EXPECT_FALSE(last.TryHold(kOneConnection));
    const auto shortage = Charge(accounts, kBob).TryHold(kOneConnection);
    EXPECT_EQ(shortage.error, EDQUOT);
    EXPECT_STREQ(shortage.reason, "the limit max_clients of shmd.conf is reached");
}

TEST(Accounts, AllowAsManyBytesOfAUserAsTheySay) {
    const auto accounts = Make({.per_user = Memory(100)});
    Charge first{accounts, kAlice};
    Charge second{accounts, kAlice};
    EXPECT_FALSE(first.TryHold({.memory_bytes = 60}));
    EXPECT_TRUE(second.TryHold({.memory_bytes = 41}));
    EXPECT_FALSE(second.TryHold({.memory_bytes = 40}));
}

TEST(Accounts, RefuseMoreBytesThanThereCouldBe) {
    const auto accounts = Make({.per_user = Memory(100)});
    Charge first{accounts, kAlice};
    EXPECT_FALSE(first.TryHold({.memory_bytes = 60}));
    EXPECT_TRUE(Charge(accounts, kAlice).TryHold({.memory_bytes = UINT64_MAX}));
    EXPECT_TRUE(Charge(accounts, kBob).TryHold({.memory_bytes = UINT64_MAX}));
}

TEST(Accounts, ChargeNothingForWhatTheyRefuse) {
    const auto accounts = Make({.total = Connections(1)});
    const auto held = TakeAll(accounts, kAlice);
    Charge refused{accounts, kBob};
    EXPECT_TRUE(refused.TryHold({.connections = 1, .descriptors = 5}));
    EXPECT_EQ(refused.Held(), Amounts{});
    EXPECT_EQ(accounts->HeldBy(kBob), Amounts{});
    EXPECT_EQ(accounts->HeldByAll(), kOneConnection);
}

TEST(Accounts, HoldToNewLimitsAndLetThoseInStay) {
    const auto accounts = Make({});
    Charge held{accounts, kAlice};
    EXPECT_FALSE(held.TryHold({.connections = 3}));
    accounts->SetLimits({.total = Connections(1)});
    EXPECT_TRUE(Charge(accounts, kBob).TryHold(kOneConnection));
    EXPECT_FALSE(held.TryHold({.connections = 2})) << "less is always granted";
    held.GiveBack();
    EXPECT_FALSE(Charge(accounts, kBob).TryHold(kOneConnection));
}

TEST(Accounts, LeaveHalfToOthersWhateverOneUserTakes) {
    const auto accounts = Make({.total = Connections(1024)});
    const auto alice = TakeAll(accounts, kAlice);
    EXPECT_EQ(alice.size(), 512U);
    EXPECT_STREQ(Charge(accounts, kAlice).TryHold(kOneConnection).reason,
                 "this user's share of max_clients is used up");
    EXPECT_EQ(TakeAll(accounts, kBob).size(), 256U);
}

TEST(Accounts, FindRoomForEachNewUserWhateverTheOthersTake) {
    const auto accounts = Make({.total = Connections(1024)});
    std::vector<std::vector<Charge>> all;
    for (uid_t uid = 1; uid <= 8; ++uid) {
        all.push_back(TakeAll(accounts, kAlice + uid));
        EXPECT_GE(all.back().size(), 1024U >> uid) << "user " << uid;
    }
}

TEST(Accounts, ShareAlikeAmongUsersThatTakeInTurn) {
    const auto accounts = Make({.total = Connections(900)});
    std::array<std::vector<Charge>, 2> held;
    for (bool is_served = true; is_served;) {
        is_served = false;
        for (uid_t user = 0; user < held.size(); ++user) {
            Charge charge{accounts, kAlice + user};
            if (charge.TryHold(kOneConnection)) continue;
            held.at(user).push_back(std::move(charge));
            is_served = true;
        }
    }
    EXPECT_NEAR(static_cast<double>(held[0].size()), 300, 1);
    EXPECT_NEAR(static_cast<double>(held[1].size()), 300, 1);
}

TEST(Accounts, GiveTheOwnerAllThatThereIs) {
    const auto accounts = Make({.total = Connections(10)});
    EXPECT_EQ(TakeAll(accounts, kOwner).size(), 10U);
}

TEST(Accounts, GiveTheOnlyConnectionToAnybody) {
    EXPECT_EQ(TakeAll(Make({.total = Connections(1)}), kAlice).size(), 1U);
}

TEST(Accounts, GrantNothingMoreWhileThereIsNoMemory) {
    bool has_memory = true;
    const auto accounts = std::make_shared<Accounts>(Accounts::Limits{}, kOwner,
                                                     [&] { return has_memory; });
    Charge held{accounts, kAlice};
    EXPECT_FALSE(held.TryHold({.memory_bytes = 100}));
    has_memory = false;
    EXPECT_EQ(held.TryHold({.memory_bytes = 101}).error, ENOMEM);
    EXPECT_EQ(Charge(accounts, kOwner).TryHold(kOneConnection).error, ENOMEM);
    EXPECT_FALSE(held.TryHold({.memory_bytes = 99}));
}

TEST(Charge, GivesBackWhatItHoldsWhenItGoes) {
    const auto accounts = Make({});
    {
        Charge charge{accounts, kAlice};
        EXPECT_FALSE(charge.TryHold({.descriptors = 2, .memory_bytes = 7}));
        EXPECT_EQ(accounts->HeldBy(kAlice), charge.Held());
    }
    EXPECT_EQ(accounts->HeldByAll(), Amounts{});
    EXPECT_EQ(accounts->UserCount(), 0U);
}

TEST(Charge, MovesWithWhatItHolds) {
    const auto accounts = Make({});
    Charge first{accounts, kAlice};
    EXPECT_FALSE(first.TryHold(kOneConnection));
    Charge second{std::move(first)};
    Charge third;
    third = std::move(second);
    EXPECT_EQ(accounts->HeldByAll(), kOneConnection);
    third = {};
    EXPECT_EQ(accounts->HeldByAll(), Amounts{});
}

TEST(Charge, SaysInAnExceptionWhatIsShort) {
    const auto accounts = Make({.total = Connections(0)});
    Charge charge{accounts, kAlice};
    try {
        charge.RequireHold(kOneConnection);
        FAIL() << "it was granted";
    } catch (const std::system_error& error) {
        EXPECT_EQ(error.code().value(), EDQUOT);
        EXPECT_STREQ(error.what(), "the limit max_clients of shmd.conf is reached");
    }
}

TEST(Charge, OfNoAccountHoldsAnything) {
    Charge charge;
    EXPECT_FALSE(charge.TryHold({.memory_bytes = UINT64_MAX}));
}

/** Whatever is charged, moved and given back: no limit is passed, and zero remains. */
TEST(Charge, RandomChargesEndAtZero) {
    std::mt19937_64 random{20261130};
    const auto accounts = Make(
        {.total = {40, 60, 100'000, 200'000}, .per_user = {15, 50, 40'000, 150'000}});
    std::vector<Charge> charges;
    const auto pick = [&](uint64_t most) { return random() % (most + 1); };
    int granted = 0;
    for (int step = 0; step < 200'000; ++step) {
        if (charges.size() < 64) charges.emplace_back(accounts, kAlice + pick(4));
        const size_t at = pick(charges.size() - 1);
        if (pick(5) == 0) {
            std::swap(charges[at], charges.back());
            charges.pop_back();
            continue;
        }
        granted += !charges[at].TryHold({pick(4), pick(5), pick(9000), pick(20'000)});
        const Amounts& all = accounts->HeldByAll();
        ASSERT_LE(all.connections, 40U);
        ASSERT_LE(all.descriptors, 60U);
        ASSERT_LE(all.memory_bytes, 100'000U);
        ASSERT_LE(all.mapped_bytes, 200'000U);
        Amounts sum;
        for (const Charge& charge : charges)
            sum = sum + charge.Held();
        ASSERT_EQ(sum, all);
        for (uid_t uid = kAlice; uid < kAlice + 5; ++uid) {
            ASSERT_LE(accounts->HeldBy(uid).connections, 15U);
            ASSERT_LE(accounts->HeldBy(uid).memory_bytes, 40'000U);
        }
    }
    EXPECT_GT(granted, 10'000);
    charges.clear();
    EXPECT_EQ(accounts->HeldByAll(), Amounts{});
    EXPECT_EQ(accounts->UserCount(), 0U);
}

}  // namespace
}  // namespace shmd::session
