#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace shmd::ipc {

/** The longest file of names that is read, in bytes. */
inline constexpr size_t kMostDeviceNamesBytes = 4096;

/**
 * The file beside the server's socket with the names of its devices, one a line, the
 * default device first. The server holds an exclusive flock(2) on it while it lives. A
 * client thus learns the names, and whether the server lives, without a connection.
 * Thread: any.
 */
std::string DeviceNamesPath(const std::string& socket_path);

/**
 * The names of the devices of the server that clients talk to: the first live and trusted
 * one (server_trust.h) where ClientSocketPaths looks. Never waits for a server.
 *
 * @return empty if no such server lives. Each name is of [A-Za-z0-9_-], not empty.
 * Thread: any.  Errors: none but std::bad_alloc.
 */
std::vector<std::string> FindDeviceNames();

/** The lines of `text` that are names of devices; other lines are left out. */
std::vector<std::string> DeviceNamesIn(std::string_view text);

}  // namespace shmd::ipc
