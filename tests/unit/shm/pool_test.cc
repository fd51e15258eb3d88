#include "shm/pool.h"

#include "shm/memfd.h"
#include "tests/support/fd_checked_test.h"

#include <algorithm>
#include <array>

namespace shmd::shm {
namespace {

using OwnPoolTest = test::FdCheckedTest;

TEST_F(OwnPoolTest, HandsOutADescriptorThatAPeerFindsGood) {
    OwnPool pool = OwnPool::Shared();
    const base::UniqueFd fd = pool.TakeFd();
    EXPECT_EQ(CheckOneWay(fd.Get(), wire::kPoolBytes), PoolFault::kNone);
}

TEST_F(OwnPoolTest, IsSeenByWhoMapsItsDescriptor) {
    OwnPool pool = OwnPool::Shared(8192);
    const base::UniqueFd fd = pool.TakeFd();
    const Mapping peer = Mapping::OfFile(fd.Get(), 8192, Mapping::Access::kReadOnly);
    pool.Bytes().back() = std::byte{7};
    EXPECT_EQ(peer.Bytes().back(), std::byte{7});
}

TEST_F(OwnPoolTest, StaysWritableWithoutItsDescriptor) {
    OwnPool pool = OwnPool::Shared(8192);
    pool.TakeFd().Reset();
    pool.Bytes().front() = std::byte{1};
    EXPECT_EQ(pool.Bytes().front(), std::byte{1});
}

TEST_F(OwnPoolTest, MapsMoreOfItselfAlthoughItIsSealed) {
    OwnPool pool = OwnPool::Shared(wire::kPoolBytes, wire::kBlockBytes);
    const base::UniqueFd fd = pool.TakeFd();
    EXPECT_EQ(CheckOneWay(fd.Get(), wire::kPoolBytes), PoolFault::kNone);
    pool.Bytes().front() = std::byte{5};
    EXPECT_EQ(pool.Bytes().size(), wire::kBlockBytes);
    ASSERT_TRUE(pool.TryMap(wire::kPoolBytes));
    EXPECT_EQ(pool.Bytes().size(), wire::kPoolBytes);
    pool.Bytes().back() = std::byte{7};
    const Mapping peer =
        Mapping::OfFile(fd.Get(), wire::kPoolBytes, Mapping::Access::kReadOnly);
    EXPECT_EQ(peer.Bytes().front(), std::byte{5});
    EXPECT_EQ(peer.Bytes().back(), std::byte{7});
}

TEST_F(OwnPoolTest, IsZeroedInBothKinds) {
    const OwnPool shared = OwnPool::Shared(8192);
    const OwnPool priv = OwnPool::Private(8192);
    const auto is_zero = [](std::byte byte) { return byte == std::byte{0}; };
    EXPECT_TRUE(shared.IsShared());
    EXPECT_FALSE(priv.IsShared());
    EXPECT_TRUE(std::ranges::all_of(shared.Bytes(), is_zero));
    EXPECT_TRUE(std::ranges::all_of(priv.Bytes(), is_zero));
}

TEST_F(OwnPoolTest, HasNoDescriptorWhenItIsPrivate) {
    EXPECT_FALSE(OwnPool::Private(8192).TakeFd());
}

class FindRangeTest : public ::testing::Test {
  protected:
    std::array<std::byte, 100> memory_{};
    std::span<std::byte> pool_{memory_};
};

TEST_F(FindRangeTest, GivesARangeInside) {
    const auto range = FindRange(pool_, 10, 20);
    ASSERT_TRUE(range);
    EXPECT_EQ(range->data(), pool_.data() + 10);
    EXPECT_EQ(range->size(), 20U);
}

TEST_F(FindRangeTest, GivesTheWholePoolAndItsEmptyEnd) {
    EXPECT_TRUE(FindRange(pool_, 0, 100));
    EXPECT_TRUE(FindRange(pool_, 100, 0));
}

TEST_F(FindRangeTest, RefusesWhatReachesBeyondTheEnd) {
    EXPECT_FALSE(FindRange(pool_, 0, 101));
    EXPECT_FALSE(FindRange(pool_, 81, 20));
    EXPECT_FALSE(FindRange(pool_, 101, 0));
}

TEST_F(FindRangeTest, RefusesSumsThatOverflow) {
    EXPECT_FALSE(FindRange(pool_, UINT64_MAX, 1));
    EXPECT_FALSE(FindRange(pool_, 1, UINT64_MAX));
    EXPECT_FALSE(FindRange(pool_, 50, UINT64_MAX - 49));
    EXPECT_FALSE(FindRange(pool_, UINT64_MAX - 49, 50));
    EXPECT_FALSE(FindRange(pool_, uint64_t{1} << 63, uint64_t{1} << 63));
    EXPECT_FALSE(FindRange(pool_, uint64_t{1} << 32, 1));
}

}  // namespace
}  // namespace shmd::shm
