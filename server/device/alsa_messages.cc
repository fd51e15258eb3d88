#include "device/alsa_messages.h"

#include <array>
#include <cstdarg>
#include <cstdio>

#include <alsa/asoundlib.h>

namespace shmd::device {

namespace {

struct Record {
    bool is_open;
    std::array<char, 200> first;
};

// Of plain data, so that no thread needs to construct or free it.
thread_local Record record{};

[[gnu::format(printf, 5, 6)]] void OnMessage(const char* /*file*/, int /*line*/,
                                             const char* /*function*/, int /*error*/,
                                             const char* format, ...) {
    if (!record.is_open || record.first.front() != '\0') return;
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(record.first.data(), record.first.size(), format, arguments);
    va_end(arguments);
}

}  // namespace

AlsaMessages::AlsaMessages() noexcept {
    snd_lib_error_set_handler(&OnMessage);
    record = {.is_open = true, .first = {}};
}

AlsaMessages::~AlsaMessages() {
    record.is_open = false;
}

std::string AlsaMessages::Append(const std::string& what) const {
    const std::string said{record.first.data()};
    return said.empty() ? what : what + " (alsa-lib: " + said + ")";
}

}  // namespace shmd::device
