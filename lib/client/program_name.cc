#include "client/program_name.h"

#include "base/utf8.h"
#include "wire/message.h"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>

namespace shmd::client {

namespace {

bool IsControl(uint32_t point) noexcept {
    return point < 0x20 || (point >= 0x7f && point <= 0x9f);
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
        const base::Utf8Character first = base::FirstCharacter(text);
        const bool is_good = first.is_valid && !IsControl(first.point);
        const std::string_view bytes = is_good ? text.substr(0, first.bytes) : "?";
        if (name.size() + bytes.size() > most_bytes) break;
        name += bytes;
        text.remove_prefix(first.bytes);
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
