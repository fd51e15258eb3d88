#pragma once

#include "tools/shmd-run/layout.h"
#include "tools/shmd-run/temp_dir.h"

#include <string>

namespace shmd::run {

/**
 * Write the ALSA configuration that makes `shm` the private server in COMMAND.
 *
 *     ALSA_CONFIG_PATH = the stock alsa.conf : alsa.conf     (both are read, then hooks
 * run) stock hooks: /etc/alsa/conf.d, /etc/asound.conf, ~/.asoundrc our hook:    shm.conf
 * definitions that replace what those said again.conf    one more hook, for the first
 * look-up: shm.conf again
 *
 * The second time is for files of the stock hooks that bring hooks themselves (that of
 * the pulse module redefines `default` there): those run at the first look-up, and ours,
 * which was added after them, runs last. Arrays append since alsa-lib 1.2.2 (conf.c,
 * parse_array_def), so our hook needs no index and follows any number of theirs.
 *
 * @param directory   where the files go; must outlive COMMAND
 * @param as_default  also define `default`
 * @return the value for ALSA_CONFIG_PATH
 *
 * Thread: any.  Errors: throws std::runtime_error (a file is missing or cannot be
 * written).
 */
std::string WritePrivateConfig(const TempDir& directory, const Layout& layout,
                               bool as_default);

}  // namespace shmd::run
