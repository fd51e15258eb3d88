#pragma once

#include <system_error>

namespace shmd::base {

/** Throw std::system_error with `error` (an errno) and `what`, the call or thing that
 * failed. */
[[noreturn]] void ThrowError(int error, const char* what);

/** ThrowError(errno, what). */
[[noreturn]] void ThrowErrno(const char* what);

/** `result` of a system call, or ThrowErrno(what) when it is negative. */
inline int RequireNonNegative(int result, const char* what) {
    if (result < 0) ThrowErrno(what);
    return result;
}

}  // namespace shmd::base
