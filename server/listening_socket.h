#pragma once

#include "base/unique_fd.h"

#include <sys/types.h>
#include <string>

namespace shmd {

/**
 * A listening socket that this process made, with the lock that makes it the only server
 * at its path; removed again by the destructor.
 *
 * Somebody may delete the socket and the lock file of a running server. No client can
 * reach it then, so another server may start at that path, and both run. The destructor
 * removes a socket only if it is still the one that this made.
 */
class ListeningSocket {
  public:
    /**
     * Listen at `path`, making its directory (mode 0700) if it is missing, and replacing
     * a socket file that no server answers on. Errors: std::system_error; EADDRINUSE if a
     * live server holds the path.
     */
    explicit ListeningSocket(std::string path);

    /** Take the socket that a service manager passed (LISTEN_FDS): nothing is removed. */
    explicit ListeningSocket(base::UniqueFd passed) noexcept : fd_{std::move(passed)} {}

    ListeningSocket(const ListeningSocket&) = delete;
    ListeningSocket& operator=(const ListeningSocket&) = delete;
    ~ListeningSocket();

    [[nodiscard]] int Get() const noexcept { return fd_.Get(); }

  private:
    /** Of a file: the device that it is on, and its number there. */
    struct FileId {
        dev_t device = 0;
        ino_t inode = 0;
        bool operator==(const FileId&) const = default;
    };
    static FileId Identify(const std::string& path);

    std::string path_;
    FileId id_;  // of the socket's file; kept from reuse by the open socket
    base::UniqueFd lock_;
    base::UniqueFd fd_;
};

/**
 * Whether this is the system's server, which serves all users, and not a user's own: root
 * runs it, or it listens in /run/shmd.
 * @param listening  borrowed.  Thread: any.  Errors: none.
 */
bool IsSystemsServer(int listening) noexcept;

/**
 * The socket that a service manager passed (socket activation, sd_listen_fds(3)).
 * @return none if there is none.  Errors: std::system_error if it is no listening
 *         SOCK_SEQPACKET socket, or if there are several.
 */
base::UniqueFd FindPassedSocket();

}  // namespace shmd
