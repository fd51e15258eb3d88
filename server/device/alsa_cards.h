#pragma once

#include <string>
#include <vector>

namespace shmd::device {

/**
 * The PCM devices of the cards in this machine that capture, or play, as
 * "hw:CARD=ID,DEV=N": in the order of the cards' numbers.  Thread: loop.  Cards that
 * cannot be asked are left out.
 */
std::vector<std::string> FindCards(bool is_capture);

}  // namespace shmd::device
