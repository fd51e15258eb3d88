#include "base/log_text.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace shmd::base {

namespace {

void AppendEscaped(std::string& out, std::string_view bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    }
}

bool IsPlain(char c) {
    constexpr std::string_view kOthers = "_.+:/@-";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kOthers.find(c) != std::string_view::npos;
}

struct Character {
    size_t bytes;    // that it takes, at least 1
    uint32_t point;  // Unicode's number of it
    bool is_valid;
};

/** Where a character of so many bytes begins: its bits in the first byte, its least. */
struct Lead {
    unsigned char mask, bits;
    uint32_t least;
};
constexpr Lead kLeads[]{
    {0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};

/** The first character of `text`, which is not empty (RFC 3629). */
Character FirstCharacter(std::string_view text) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
    constexpr Character kInvalid{1, 0, false};
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

bool IsShown(uint32_t point) {
    struct Range {
        uint32_t first, last;
    };
    constexpr Range kHidden[]{
        {0x00, 0x1f},       {0x7f, 0x9f},      // controls: C0, DEL, C1
        {0x61c, 0x61c},     {0x200b, 0x200f},  // marks of direction, of no width
        {0x2028, 0x202e},                      // ends of lines, and bidi overrides
        {0x2060, 0x206f},                      // bidi isolates, invisible operators
        {0xfeff, 0xfeff},   {0xfff9, 0xfffb},  // byte order mark, annotations
        {0xe0000, 0xe007f},                    // tags
    };
    return std::ranges::none_of(kHidden, [=](const Range& range) {
        return point >= range.first && point <= range.last;
    });
}

}  // namespace

std::string LogValue(std::string_view value) {
    std::string out;
    for (size_t i = 0; i < value.size(); ++i) {
        if (IsPlain(value[i]))
            out += value[i];
        else
            AppendEscaped(out, value.substr(i, 1));
    }
    return out;
}

std::string LogText(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    while (!text.empty()) {
        const Character character = FirstCharacter(text);
        const std::string_view bytes = text.substr(0, character.bytes);
        if (character.is_valid && IsShown(character.point))
            out += bytes;
        else
            AppendEscaped(out, bytes);
        text.remove_prefix(bytes.size());
    }
    return out;
}

}  // namespace shmd::base
