#pragma once

#include <sys/types.h>
#include <optional>
#include <string>

namespace shmd::ipc {

/**
 * The user that `user` names: a number, or a name in the system's database of users.
 * @return nothing if there is none.  Thread: any.  May read files and ask name services.
 */
std::optional<uid_t> FindUser(const std::string& user);

/**
 * Whether a client talks to the server of the user `owner` that listens at `path`: if
 * that is the client's own user (real or effective), root, or the user that `named`
 * names; at the system's path also the user to whom its directory says that it belongs
 * (doc/decisions/0015).
 *
 * @param named  of the configuration, else of $SHMD_SERVER_USER; empty: none
 * Thread: any.
 */
bool IsTrusted(uid_t owner, const std::string& path, const std::string& named);

/**
 * Whether only root and `owner` can put a socket into `directory`: it belongs to one of
 * them, and neither a group nor others may write there.  Thread: any.
 */
bool IsDirectoryOf(uid_t owner, const std::string& directory) noexcept;

}  // namespace shmd::ipc
