#pragma once

#include <string>
#include <string_view>

namespace shmd::base {

/**
 * A name that a peer or the outside chose, as the value of `key=value` in a line of the
 * log: each byte that is none of [A-Za-z0-9_.+:/@-] becomes \xNN. So it has no blank and
 * no '=', and cannot be read as another key.  Thread: any.
 */
[[nodiscard]] std::string LogValue(std::string_view value);

/**
 * A whole line of the log: what a terminal would act on, what would begin another line,
 * and what is shown in another order or not at all becomes \xNN. These are control
 * characters (C0, DEL, C1), bytes that are no UTF-8, U+2028 and U+2029, and the marks of
 * writing direction and of no width. All other text stays.  Thread: any.
 */
[[nodiscard]] std::string LogText(std::string_view text);

}  // namespace shmd::base
