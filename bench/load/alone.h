#pragma once

#include "bench/load/crowd.h"
#include "bench/load/player.h"

namespace shmd::bench {

/**
 * This process as the only writer, in a time of CrowdOptions::window_s: what is told of
 * it, its memory and the times of its opening, is of a process that does nothing else.
 *
 * A PCM that is never late (alsa-lib's null) is written to at the rate, by a timer.
 * Errors: std::runtime_error.
 */
nlohmann::json PlayAlone(Player& player, const CrowdOptions& options);

/**
 * Open, write a period, close: `count` times, and the time each took until the period was
 * accepted, in nanoseconds.
 * Errors: std::runtime_error.
 */
nlohmann::json OpenAgainAndAgain(const MakePlayer& make_player, Player::Size size,
                                 uint32_t count);

}  // namespace shmd::bench
