#include "client/program_name.h"

#include "wire/message.h"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>

namespace shmd::client {

namespace {

/** A character of UTF-8: its length and its number. Length 0: it is no UTF-8. */
struct Character {
    size_t bytes = 0;
    char32_t code = 0;
};

bool IsContinuation(unsigned char byte) noexcept {
    return (byte & 0xc0) == 0x80;
}

/** By RFC 3629: only the shortest form, no surrogates, up to U+10FFFF. */
bool IsInItsShortestForm(const Character& character) noexcept {
    constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_surrogate = character.code >= 0xd800 && character.code <= 0xdfff;
    return character.code >= kLeast[character.bytes] && character.code <= 0x10ffff &&
           !is_surrogate;
}

/** @param text  not empty */
Character FindCharacter(std::string_view text) noexcept {
    const auto first = static_cast<unsigned char>(text.front());
    if (first < 0x80) return {1, first};
    const size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {};
    Character character{bytes, static_cast<char32_t>(first & (0x7f >> bytes))};
    for (const char next : text.substr(1, bytes - 1)) {
        const auto byte = static_cast<unsigned char>(next);
        if (!IsContinuation(byte)) return {};
        character.code = character.code << 6 | (byte & 0x3f);
    }
    return IsInItsShortestForm(character) ? character : Character{};
}

bool IsControl(char32_t code) noexcept {
    return code < 0x20 || (code >= 0x7f && code <= 0x9f);
}

/** What the kernel, and wine, call this process; empty without /proc. */
std::string ProcessName() {
    std::string name;
    std::ifstream file{"/proc/self/comm"};
    std::getline(file, name);
    return name;
}

}  // namespace

std::string CleanName(std::string_view text, size_t most_bytes) {
    std::string name;
    while (!text.empty()) {
        const Character found = FindCharacter(text);
        const bool is_good = found.bytes != 0 && !IsControl(found.code);
        const std::string_view bytes = is_good ? text.substr(0, found.bytes) : "?";
        if (name.size() + bytes.size() > most_bytes) break;
        name += bytes;
        text.remove_prefix(found.bytes == 0 ? 1 : found.bytes);
    }
    return name;
}

bool IsRestOfAPath(const char* invocation_name, const char* short_name) noexcept {
    if (std::strchr(short_name, '\\') != nullptr) return true;
    const char* const end = invocation_name + std::strlen(invocation_name);
    const std::less<> is_before;  // < is defined only for pointers into one array
    const bool is_inside =
        !is_before(short_name, invocation_name) && is_before(short_name, end);
    const char* const slash = std::strrchr(invocation_name, '/');
    return is_inside && short_name != (slash == nullptr ? invocation_name : slash + 1);
}

std::string ProgramName() {
    const char* const name = program_invocation_short_name;
    const size_t most_bytes = sizeof wire::Hello{}.name - 1;
    if (IsRestOfAPath(program_invocation_name, name))
        if (const std::string process = ProcessName(); !process.empty())
            return CleanName(process, most_bytes);
    return CleanName(name, most_bytes);
}

}  // namespace shmd::client
