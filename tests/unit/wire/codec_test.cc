#include "wire/codec.h"

#include <gtest/gtest.h>
#include <array>
#include <span>
#include <string>
#include <vector>

namespace shmd::wire {
namespace {

std::vector<std::byte> Bytes(const MessageHeader& header, size_t size) {
    const auto of_header = std::as_bytes(std::span{&header, 1});
    std::vector<std::byte> bytes{of_header.begin(), of_header.end()};
    bytes.resize(size);
    return bytes;
}

TEST(FindHeader, ReadsAWellFormedMessage) {
    const auto header = FindHeader(Bytes({17, 0, 20, 5, 0}, 20), 0);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->type, 17);
    EXPECT_EQ(header->serial, 5U);
}

TEST(FindHeader, RefusesAMessageThatIsShorterThanAHeader) {
    for (size_t size = 0; size < sizeof(MessageHeader); ++size)
        EXPECT_FALSE(
            FindHeader(Bytes({1, 0, static_cast<uint32_t>(size), 0, 0}, size), 0))
            << size;
}

TEST(FindHeader, RefusesASizeThatIsNotTheMessages) {
    EXPECT_FALSE(FindHeader(Bytes({1, 0, 19, 0, 0}, 20), 0));
    EXPECT_FALSE(FindHeader(Bytes({1, 0, 21, 0, 0}, 20), 0));
    EXPECT_FALSE(FindHeader(Bytes({1, 0, 0, 0, 0}, 20), 0));
    EXPECT_FALSE(FindHeader(Bytes({1, 0, UINT32_MAX, 0, 0}, 20), 0));
}

TEST(FindHeader, TakesTheLongestMessageAndNoLonger) {
    const auto longest = static_cast<uint32_t>(kMaxMessageBytes);
    EXPECT_TRUE(FindHeader(Bytes({1, 0, longest, 0, 0}, longest), 0));
    EXPECT_FALSE(FindHeader(Bytes({1, 0, longest + 1, 0, 0}, longest + 1), 0));
}

TEST(FindHeader, RefusesAnotherNumberOfDescriptorsThanCame) {
    EXPECT_FALSE(FindHeader(Bytes({1, 1, 16, 0, 0}, 16), 0));
    EXPECT_FALSE(FindHeader(Bytes({1, 0, 16, 0, 0}, 16), 1));
    EXPECT_TRUE(FindHeader(Bytes({1, 1, 16, 0, 0}, 16), 1));
}

TEST(FindHeader, RefusesAReservedFieldThatIsNotZero) {
    EXPECT_FALSE(FindHeader(Bytes({1, 0, 16, 0, 1}, 16), 0));
}

TEST(SetText, PadsWithZeros) {
    std::array<char, 8> field;
    field.fill('x');
    SetText(field, "abc");
    EXPECT_EQ((std::string{field.data(), field.size()}), std::string("abc\0\0\0\0\0", 8));
}

TEST(SetText, CutsToFitAndKeepsAnEnd) {
    std::array<char, 4> field{};
    SetText(field, "abcdef");
    EXPECT_EQ(FindText(field), "abc");
}

TEST(FindText, RefusesAFieldWithoutAnEnd) {
    const std::array<char, 4> field{'a', 'b', 'c', 'd'};
    EXPECT_FALSE(FindText(field));
}

TEST(FindText, RefusesControlCharacters) {
    for (const char control : {'\n', '\x1b', '\x01', '\x7f'}) {
        const std::array<char, 4> field{'a', control, 'b', '\0'};
        EXPECT_FALSE(FindText(field)) << static_cast<int>(control);
    }
}

TEST(FindText, TakesUtf8AndTheEmptyText) {
    std::array<char, 8> field{};
    EXPECT_EQ(FindText(field), "");
    SetText(field, "\xc3\xa4");
    EXPECT_EQ(FindText(field), "\xc3\xa4");
}

TEST(FindText, LooksNoFurtherThanTheEnd) {
    const std::array<char, 4> field{'a', '\0', '\n', 'x'};
    EXPECT_EQ(FindText(field), "a");
}

TEST(FindData, GivesTheFramesBehindTheMessage) {
    auto data = MakeMessage<Data>(3);
    data.position_frames = 77;
    data.frames = 2;
    std::vector<std::byte> message(sizeof data + 4);
    std::memcpy(message.data(), &data, sizeof data);
    message.back() = std::byte{9};
    const auto view = FindData(message);
    ASSERT_TRUE(view);
    EXPECT_EQ(view->data.position_frames, 77U);
    EXPECT_EQ(view->payload.size(), 4U);
    EXPECT_EQ(view->payload.back(), std::byte{9});
}

TEST(FindData, RefusesAShortMessageAndAReservedFieldThatIsNotZero) {
    auto data = MakeMessage<Data>();
    EXPECT_FALSE(FindData(BytesOf(data).first(sizeof data - 1)));
    EXPECT_TRUE(FindData(BytesOf(data)));
    data.reserved = 1;
    EXPECT_FALSE(FindData(BytesOf(data)));
}

TEST(SerialAfter, IsNeverThatOfAMessageThatIsNoAnswer) {
    EXPECT_EQ(SerialAfter(0), 1U);
    EXPECT_EQ(SerialAfter(7), 8U);
    EXPECT_EQ(SerialAfter(UINT32_MAX - 1), UINT32_MAX);
    EXPECT_EQ(SerialAfter(UINT32_MAX), 1U);
}

}  // namespace
}  // namespace shmd::wire
