#pragma once

#include "base/unique_fd.h"

#include <sys/socket.h>
#include <string>
#include <vector>

namespace shmd::ipc {

/** Where the system's server listens. */
inline constexpr char kSystemSocket[] = "/run/shmd/socket";

/**
 * A variable of the environment; empty if there is none, or if this program has more
 * rights than the user who started it (secure_getenv(3)).  Thread: any.
 */
std::string Environment(const char* name);

/**
 * Where a server listens: `configured` if not empty, else $SHMD_SOCKET, else
 * $XDG_RUNTIME_DIR/shmd/socket, else /run/shmd/socket.  Thread: any.
 */
std::string ServerSocketPath(const std::string& configured);

/**
 * Where a client looks, in order: `configured` alone if not empty, else $SHMD_SOCKET
 * alone, else $XDG_RUNTIME_DIR/shmd/socket (if set) and /run/shmd/socket.
 */
std::vector<std::string> ClientSocketPaths(const std::string& configured);

/**
 * Connect to the server at `path` (SOCK_SEQPACKET, close-on-exec), in bounded time.
 * @return the socket, or none and errno set (ENAMETOOLONG for a path that cannot be one)
 */
base::UniqueFd TryConnect(const std::string& path) noexcept;

/** The peer of a connected Unix socket. Errors: std::system_error. */
ucred PeerOf(int socket);

/**
 * The supplementary groups that the peer had when it connected (SO_PEERGROUPS, Linux
 * 4.13). The kernel knows them; no name service is asked.  Errors: std::system_error.
 */
std::vector<gid_t> PeerGroupsOf(int socket);

/**
 * Set whether the peer may send descriptors to `socket` (SO_PASSRIGHTS, Linux 6.16). A
 * connection inherits this from its listening socket. If the peer may not, sending such a
 * message fails with EPERM. On older kernels, and after other errors, the peer may.
 * Thread: any.
 */
void LetDescriptorsCome(int socket, bool may_come) noexcept;

/** Whether the peer may send descriptors to `socket`, or may have done so before. */
bool DescriptorsMayCome(int socket) noexcept;

}  // namespace shmd::ipc
