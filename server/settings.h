#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace shmd {

enum class LogLevel { kError, kWarn, kInfo, kDebug };

/** Name and specification of each device; the first is the default device. */
using DeviceList = std::vector<std::pair<std::string, std::string>>;

/** Everything a user can set, with its default. One row of server/keys.cc a member. */
struct Settings {
    /** Where to listen; empty: see ServerSocketPath (lib/ipc/socket.h). */
    std::string socket;
    /** Never empty; names are unique, of [A-Za-z0-9_-], and not "monitor". */
    DeviceList devices{{"default", "auto"}};
    /** What plays while a card does not: a spec of a virtual device. */
    std::string fallback = "virtual";
    /** How long a card that no stream uses stays open, in milliseconds. */
    uint32_t idle_timeout_ms = 5000;
    /** Which users may record what a device captures, and what others play (its monitor),
     * see session/right.h; empty: session::Right::ToHear. */
    std::string record;
    std::string monitor;
    /** Which users may write into a card's ring; and which with an unrestricted
     * descriptor, on kernels that cannot restrict it. */
    std::string direct = "same_user";
    std::string direct_trusted = "no";
    LogLevel log_level = LogLevel::kInfo;
    /** Where statistics are written as JSON when the server stops; empty: nowhere. */
    std::string stats_file;
    /** Offer sealed memfds to clients; without them payload goes over the socket. */
    bool memfd = true;
    /** SCHED_FIFO priority of the audio threads; 0: ordinary scheduling. */
    uint32_t realtime_priority = 10;
    /** The longest cycle, in microseconds. */
    uint32_t cycle_max_us = 25000;
    /** Most connections at once: of all users, and of one. */
    uint32_t max_clients = 1024;
    uint32_t max_clients_per_user = 512;
    /** Most memory that connections may make the server use, in MiB: those of all users,
     * and of one. 0: by the machine, see machine_limits.h. */
    uint32_t max_memory_mib = 0;
    uint32_t max_memory_per_user_mib = 0;
    /** Linear gain that a new stream starts with, 0.0 to 4.0. */
    double gain = 1.0;

    bool operator==(const Settings&) const = default;
};

}  // namespace shmd
