#pragma once

#include "tools/shmd-run/options.h"

namespace shmd::run {

/** Exit statuses of ours, as env(1) has them. */
inline constexpr int kStatusFailed = 125;
inline constexpr int kStatusCannotRun = 126;
inline constexpr int kStatusNotFound = 127;

/**
 * One whole run: server up, COMMAND, leak check, server down.
 *
 * @return the exit status of shmd-run
 * Errors: throws std::exception when no server could be started or watched.
 */
int RunSession(const Options& options);

}  // namespace shmd::run
