#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace shmd::base {

/** A character of a text in UTF-8. */
struct Utf8Character {
    size_t bytes;    // that it takes, at least 1
    uint32_t point;  // its number in Unicode
    bool is_valid;   // false: its one byte begins no character
};

/**
 * The first character of `text`, by RFC 3629: only the shortest form, no surrogates, up
 * to U+10FFFF.
 *
 * @pre text is not empty.  Thread: any.  Realtime: yes.
 */
Utf8Character FirstCharacter(std::string_view text) noexcept;

}  // namespace shmd::base
