#pragma once

#include <string>
#include <system_error>

namespace shmd {

/**
 * Why io_uring could not be set up, and what to change: a limit that is too low is told
 * apart from an io_uring that is forbidden.  Thread: any.
 */
[[nodiscard]] std::string ExplainNoUring(const std::system_error& error);

/** What failed at the start; with the limit and its value if one was reached. */
[[nodiscard]] std::string ExplainStartFailure(const std::system_error& error);

}  // namespace shmd
