#pragma once

#include <string>
#include <string_view>

namespace shmd::client {

/** This program's name for the server's log, as wire::Hello takes it. Thread: any. */
std::string ProgramName();

/**
 * `text` as the protocol takes a name: what is no UTF-8, and what is a control character,
 * becomes '?'; it is cut before the character that would be too long.
 *
 * @param most_bytes  of the result
 * Thread: any.
 */
std::string CleanName(std::string_view text, size_t most_bytes);

/**
 * Whether `short_name`, which glibc took from `invocation_name` when the program was
 * started, now points into something else: wine moves its own arguments, and then the
 * name is the rest of the path of a Windows program.  Thread: any.
 */
bool IsRestOfAPath(const char* invocation_name, const char* short_name) noexcept;

}  // namespace shmd::client
