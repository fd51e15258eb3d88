#pragma once

#include <string>
#include <string_view>

namespace shmd::client {

/** This program's name for the server's log, as wire::Hello takes it. Thread: any. */
std::string ProgramName();

/**
 * `text` as the protocol takes a name: each byte that is no UTF-8, and each control
 * character, becomes '?'. The name is cut before the first character that does not fit.
 *
 * @param most_bytes  of the result
 * Thread: any.
 */
std::string CleanName(std::string_view text, size_t most_bytes);

/**
 * Whether `short_name`, which glibc took from `invocation_name` at the program's start,
 * now points into other text. wine moves its own arguments, and the name then is the rest
 * of the path of a Windows program.  Thread: any.
 */
bool IsRestOfAPath(const char* invocation_name, const char* short_name) noexcept;

}  // namespace shmd::client
