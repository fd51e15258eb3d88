#include "base/utf8.h"

#include <algorithm>
#include <iterator>

namespace shmd::base {

namespace {

/** Where a character of so many bytes begins: its bits in the first byte, its least. */
struct Lead {
    unsigned char mask, bits;
    uint32_t least;
};
constexpr Lead kLeads[]{
    {0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

}  // namespace

Utf8Character FirstCharacter(std::string_view text) noexcept {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    constexpr Utf8Character kInvalid{1, 0, false};
    const auto* const lead = std::ranges::find_if(
        kLeads, [&](const Lead& one) { return (byte(0) & one.mask) == one.bits; });
    if (lead == std::end(kLeads)) return kInvalid;
    const auto bytes = static_cast<size_t>(lead - kLeads) + 1;
    if (text.size() < bytes) return kInvalid;
    uint32_t point = byte(0) & static_cast<unsigned char>(~lead->mask);
    for (size_t i = 1; i < bytes; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return kInvalid;
        point = point << 6 | (byte(i) & 0x3f);
    }
    if (point < lead->least || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
        return kInvalid;
    return {bytes, point, true};
}

}  // namespace shmd::base
