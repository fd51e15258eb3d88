#include "base/log_text.h"

#include "base/utf8.h"

#include <algorithm>
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
        const Utf8Character character = FirstCharacter(text);
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
