#pragma once

#include "settings.h"

#include <string>

namespace shmd {

/**
 * Read a configuration file, in alsa-lib's syntax, over `settings`.
 *
 *     key value            one for each row of server/keys.cc
 *     device "SPEC"        the one device, "default"
 *     device { NAME "SPEC" ... }
 *
 * Thread: loop, or before it starts (alsa-lib's error handler is replaced meanwhile).
 * Errors: UsageError (EX_CONFIG), `FILE:LINE: key 'x': what is wrong`; `settings` is then
 * unchanged.
 */
void LoadConfig(const std::string& path, Settings& settings);

}  // namespace shmd
