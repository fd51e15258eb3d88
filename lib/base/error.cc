#include "base/error.h"

#include <cerrno>

namespace shmd::base {

void ThrowError(int error, const char* what) {
    throw std::system_error{error, std::generic_category(), what};
}

void ThrowErrno(const char* what) {
    ThrowError(errno, what);
}

}  // namespace shmd::base
