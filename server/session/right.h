#pragma once

#include <sys/socket.h>
#include <string>
#include <string_view>
#include <vector>

namespace shmd::session {

/**
 * Which users may do one thing: a key of shmd.conf whose value names them. See
 * doc/security.md and doc/decisions/0012-who-may-hear.md.
 */
class Right {
  public:
    /**
     * @param key   the key's name, for messages
     * @param text  "no" or nothing; "yes" (everybody); or a list, separated by commas or
     *              blanks, of names of users, names of groups after an '@', and
     *              "same_user" (the user who runs the server)
     *
     * Thread: loop.  Asks the system for the names, which may take long where they come
     * over the network.  Errors: std::invalid_argument for a name that does not exist.
     */
    Right(std::string_view key, std::string_view text);

    /**
     * The default of the keys `record` and `monitor`: the user who runs the server. On
     * the system's server, which serves other users, also the group "audio", if the
     * system has it. That is never more than the node of a card allows.
     *
     * Thread: loop.  Errors: none.
     */
    static Right ToHear(bool is_systems_server);

    /**
     * Whether the process at the other end of a connection has the right. Its groups are
     * those that it had when it connected; the system is not asked for names.
     *
     * @param peer    of `socket`
     * @param socket  borrowed; looked at only if a group may
     *
     * Thread: loop.  Errors: std::system_error.
     */
    [[nodiscard]] bool Allows(const ucred& peer, int socket) const;

  private:
    Right() = default;
    void AddName(std::string_view key, const std::string& name);

    bool everybody_ = false;
    std::vector<uid_t> users_;
    std::vector<gid_t> groups_;
};

}  // namespace shmd::session
