#pragma once

#include <cstdint>
#include <string>

namespace shmd::base {

/**
 * What a line of the log is about. The lines of one subject share a limit, so that no
 * user can fill the log (server/log_limiter.h).
 */
struct LogSubject {
    static constexpr uint32_t kNoUser = UINT32_MAX;

    std::string kind;        // what has happened: "dropped", "xrun"
    uint32_t uid = kNoUser;  // the user that caused it
    std::string device{};    // its name; empty where no device has part in it

    auto operator<=>(const LogSubject&) const = default;
};

}  // namespace shmd::base
