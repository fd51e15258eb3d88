#include "wire/codec.h"

#include <gtest/gtest.h>
#include <set>
#include <vector>

namespace shmd::wire {
namespace {

/** The bytes of a message that must be zero: [begin, end). */
struct ReservedRange {
    size_t begin;
    size_t end;
};

template <typename T>
constexpr ReservedRange kReserved{0, 0};
template <>
constexpr ReservedRange kReserved<RegisterPool>{20, 24};
template <>
constexpr ReservedRange kReserved<PoolRegistered>{20, 24};
template <>
constexpr ReservedRange kReserved<OpenStream>{17, 24};
template <>
constexpr ReservedRange kReserved<StreamOpened>{26, 32};
template <>
constexpr ReservedRange kReserved<ParamsSet>{18, 24};
template <>
constexpr ReservedRange kReserved<DirectRecall>{20, 24};
template <>
constexpr ReservedRange kReserved<DirectReturned>{20, 24};
template <>
constexpr ReservedRange kReserved<SetGain>{20, 24};
template <>
constexpr ReservedRange kReserved<Refused>{18, 20};

template <typename T>
class EveryMessage : public ::testing::Test {
  protected:
    static std::vector<std::byte> Sample() {
        const T message = MakeMessage<T>(7);
        const auto bytes = BytesOf(message);
        return {bytes.begin(), bytes.end()};
    }
};

using Messages =
    ::testing::Types<Hello, RegisterPool, PoolRegistered, PoolRefused, OpenStream,
                     StreamOpened, SetParams, ParamsSet, FreeParams, ParamsFreed, SetGain,
                     GainSet, Refused, ClientWords, ServerWords, Kick, Wake, DirectGrant,
                     DirectRecall, DirectReturned>;
TYPED_TEST_SUITE(EveryMessage, Messages);

TYPED_TEST(EveryMessage, IsMadeWithAHeaderThatIsWellFormed) {
    const auto header = FindHeader(this->Sample(), 0);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->type, static_cast<uint16_t>(TypeParam::kType));
    EXPECT_EQ(header->serial, 7U);
}

TYPED_TEST(EveryMessage, IsReadAsItWasMade) {
    const auto sample = this->Sample();
    const auto message = FindMessage<TypeParam>(sample);
    ASSERT_TRUE(message);
    EXPECT_EQ(std::memcmp(&*message, sample.data(), sample.size()), 0);
}

TYPED_TEST(EveryMessage, IsRefusedAtAnyOtherSize) {
    auto sample = this->Sample();
    sample.push_back(std::byte{0});
    EXPECT_FALSE(FindMessage<TypeParam>(sample));
    for (size_t size = 0; size < sizeof(TypeParam); ++size)
        EXPECT_FALSE(FindMessage<TypeParam>(std::span{sample}.first(size))) << size;
}

TYPED_TEST(EveryMessage, IsRefusedForItsReservedBytesAndNoOthers) {
    const auto [begin, end] = kReserved<TypeParam>;
    for (size_t at = sizeof(MessageHeader); at < sizeof(TypeParam); ++at) {
        auto sample = this->Sample();
        sample[at] = std::byte{1};
        const bool is_reserved = at >= begin && at < end;
        EXPECT_EQ(FindMessage<TypeParam>(sample).has_value(), !is_reserved) << at;
    }
}

template <typename... T>
std::set<MessageType> TypesOf(::testing::Types<T...>) {
    return {T::kType...};
}

TEST(MessageTypes, AreAllDifferent) {
    EXPECT_EQ(TypesOf(Messages{}).size(), 20U);
}

}  // namespace
}  // namespace shmd::wire
