#pragma once

#include <filesystem>
#include <string>

namespace shmd::run {

/**
 * A directory of our own, mode 0700, that is removed with its contents. For root it has
 * mode 0711, because a command of root may become another user, and it is made where that
 * user can reach it, if there is such a place.
 *
 * It lies under $XDG_RUNTIME_DIR, $TMPDIR or /tmp: the first whose name is short enough
 * for a socket's address and plain enough for ALSA_CONFIG_PATH, where spaces and colons
 * separate and the shell's characters are expanded (alsa-lib 1.2.8, snd_user_file).
 */
class TempDir {
  public:
    /** Errors: throws std::runtime_error when none of the three can be used. */
    TempDir();
    TempDir(const TempDir&) = delete;
    TempDir& operator=(const TempDir&) = delete;
    ~TempDir();

    /** The absolute path of `name` (at most kLongestName characters) in here. */
    [[nodiscard]] std::string PathOf(const std::string& name) const;

    /**
     * For root: give `name` in here the mode `mode`, whatever the umask made of it. For
     * other users it does nothing.  Errors: throws std::filesystem::filesystem_error.
     */
    void Share(const std::string& name, std::filesystem::perms mode) const;

    static constexpr size_t kLongestName = 16;

  private:
    bool is_shared_;
    std::string path_;
};

}  // namespace shmd::run
