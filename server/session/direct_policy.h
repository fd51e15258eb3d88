#pragma once

#include <sys/socket.h>
#include <string>
#include <string_view>
#include <vector>

namespace shmd::session {

/**
 * Who may be given a card's own ring (direct mode).
 *
 * Whoever maps the ring can write noise into it, and read what others play there, for as
 * long as he keeps the mapping; so only those are given it of whom that is known. See
 * doc/security.md.
 */
class DirectPolicy {
  public:
    /**
     * @param text  "no", "yes" (everybody), "same_user" (who runs the server), or names
     * of users, and of groups after an '@', parted by commas Errors:
     * std::invalid_argument for a name that does not exist. Thread: loop.
     */
    explicit DirectPolicy(std::string_view text);

    /** Thread: loop. May ask the system who is in a group. */
    [[nodiscard]] bool Allows(const ucred& peer) const;

  private:
    bool everybody_ = false;
    std::vector<uid_t> users_;
    std::vector<gid_t> groups_;
};

}  // namespace shmd::session
