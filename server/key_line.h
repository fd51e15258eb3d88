#pragma once

#include <cstddef>
#include <string_view>

namespace shmd {

/**
 * The line on which a key is last given, for messages: alsa-lib does not keep it.
 *
 * Follows quotes, comments and braces; a text that alsa-lib refuses, or a key from an
 * included file, may be found nowhere.
 *
 * @param path  "gain", or "device.tv" for a key inside a compound
 * @return 1 for the first line; 0: not found.  Thread: any.
 */
size_t FindKeyLine(std::string_view text, std::string_view path);

}  // namespace shmd
