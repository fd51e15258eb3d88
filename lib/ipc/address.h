#pragma once

#include <sys/un.h>
#include <optional>
#include <string>

namespace shmd::ipc {

/** The address of a Unix socket at `path`; nothing if the path is too long or empty. */
std::optional<sockaddr_un> FindAddress(const std::string& path) noexcept;

}  // namespace shmd::ipc
