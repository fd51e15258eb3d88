#pragma once

#include <string>
#include <vector>

namespace shmd::plugin {

/** How many devices of a server, and their monitors, `aplay -L` can list. */
inline constexpr unsigned kMostListed = 8;

/**
 * The definitions of the PCMs that 60-shmd.conf calls shm_1, shm_1_monitor and so on, in
 * ALSA's configuration syntax: `device_N` and `monitor_N`, for N up to kMostListed. Those
 * of the named devices are to be listed, the others are hidden.
 *
 * @param names  of the server's devices, of [A-Za-z0-9_-]; the default device first
 * Thread: any.  Errors: none but std::bad_alloc.
 */
std::string DeviceDefinitions(const std::vector<std::string>& names);

}  // namespace shmd::plugin
