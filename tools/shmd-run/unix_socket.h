#pragma once

#include "base/unique_fd.h"

#include <string>

namespace shmd::run {

/**
 * A new Unix socket bound to `path`, close-on-exec, blocking.
 *
 * @param type  SOCK_SEQPACKET or SOCK_DGRAM
 *
 * Thread: any.  Errors: throws std::system_error.
 * @pre `path` fits sockaddr_un (TempDir::PathOf does).
 */
base::UniqueFd BindUnixSocket(int type, const std::string& path);

}  // namespace shmd::run
