#pragma once

#include "wire/message.h"

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace shmd::wire {

/**
 * The header of `message`, if it is well formed: long enough for a header, as long as it
 * says, no longer than kMaxMessageBytes, with as many descriptors as it says, reserved
 * zero. Thread: any.  Errors: nothing if malformed.
 */
std::optional<MessageHeader> FindHeader(std::span<const std::byte> message,
                                        size_t fd_count) noexcept;

/**
 * The serial of the request after the one with `serial`. It is never 0, which marks a
 * message that is no answer; others come again after 2^32 requests, long after each was
 * answered.
 */
constexpr uint32_t SerialAfter(uint32_t serial) noexcept {
    return serial == UINT32_MAX ? 1 : serial + 1;
}

/** Copy `text` into a name field, cut to fit, padded with zeros. */
void SetText(std::span<char> field, std::string_view text) noexcept;

/** The text of a name field; nothing if it has no NUL or a control character in it. */
std::optional<std::string_view> FindText(std::span<const char> field) noexcept;

/** A message of type T with its header filled in and everything else zero. */
template <typename T>
T MakeMessage(uint32_t serial = 0) noexcept {
    static_assert(std::is_trivially_copyable_v<T>);
    T message;
    std::memset(&message, 0, sizeof message);
    message.header.type = static_cast<uint16_t>(T::kType);
    message.header.size_bytes = sizeof message;
    message.header.serial = serial;
    return message;
}

/** The bytes of `message`. */
template <typename T>
std::span<const std::byte> BytesOf(const T& message) noexcept {
    return std::as_bytes(std::span{&message, 1});
}

/**
 * `message` as a T. @pre FindHeader accepted it and its type is T's.
 * Errors: nothing if it is not of T's size, or a reserved field is not zero.
 */
template <typename T>
std::optional<T> FindMessage(std::span<const std::byte> message) noexcept;

/** A Data message and its frames, which stay in the received message's memory. */
struct DataView {
    Data data;
    std::span<const std::byte> payload;
};
std::optional<DataView> FindData(std::span<const std::byte> message) noexcept;

}  // namespace shmd::wire
