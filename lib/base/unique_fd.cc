#include "base/unique_fd.h"

#include <unistd.h>
#include <cerrno>

namespace shmd::base {

void UniqueFd::Reset(int fd) noexcept {
    if (const int old = std::exchange(fd_, fd); old >= 0) {
        const int saved = errno;
        ::close(old);
        errno = saved;
    }
}

}  // namespace shmd::base
