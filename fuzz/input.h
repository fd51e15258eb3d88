#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

namespace shmd::fuzz {

/**
 * The bytes that libFuzzer has made up, taken one after the other: a script is read from
 * it. Behind the end all is 0, so each input is a whole script.  Thread: one at a time.
 */
class Input {
  public:
    Input(const uint8_t* data, size_t size) noexcept
        : rest_{reinterpret_cast<const std::byte*>(data), size} {}

    [[nodiscard]] bool IsEmpty() const noexcept { return rest_.empty(); }

    /** The next `most` bytes, or as many as there are. */
    std::span<const std::byte> TakeBytes(size_t most) noexcept {
        const auto taken = rest_.first(std::min(most, rest_.size()));
        rest_ = rest_.subspan(taken.size());
        return taken;
    }

    /** A number of the machine's own byte order. */
    template <typename T>
    T Take() noexcept {
        static_assert(std::is_integral_v<T>);
        T value{};
        const auto bytes = TakeBytes(sizeof value);
        if (!bytes.empty()) std::memcpy(&value, bytes.data(), bytes.size());
        return value;
    }

    uint8_t TakeByte() noexcept { return Take<uint8_t>(); }

    /** 0 to count - 1. @pre 0 < count <= 256 */
    size_t TakeIndex(size_t count) noexcept { return TakeByte() % count; }

    template <typename T, size_t N>
    const T& Pick(const std::array<T, N>& choices) noexcept {
        return choices[TakeIndex(N)];
    }

    /** A word, mostly one of those at the edge of something. */
    uint64_t TakeWord() noexcept;

    /** All that is left, as text. */
    std::string_view TakeText() noexcept {
        const auto bytes = TakeBytes(rest_.size());
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

  private:
    std::span<const std::byte> rest_;
};

}  // namespace shmd::fuzz
