#include "shm/memfd.h"

#include "base/error.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <cerrno>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U  // Linux 6.3; older headers lack it
#endif

namespace shmd::shm {

namespace {

constexpr int kOneWaySeals =
    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_FUTURE_WRITE;

}  // namespace

const char* Describe(PoolFault fault) noexcept {
    switch (fault) {
        case PoolFault::kNone:
            return "nothing is wrong with the pool";
        case PoolFault::kNotMemfd:
            return "the pool's descriptor is not a memfd on ordinary pages";
        case PoolFault::kUnsealed:
            return "the pool is not sealed shrink, grow, seal and future-write";
        case PoolFault::kSize:
            return "the pool's size is not the one announced";
    }
    return "unknown fault";
}

base::UniqueFd CreateMemfd(uint64_t size_bytes) {
    // ftruncate would not only fail: its SIGXFSZ kills a program that does not expect it.
    rlimit limit{};
    if (::getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < size_bytes)
        base::ThrowError(EFBIG, "the limit on the size of files");
    constexpr unsigned kFlags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = ::memfd_create("shmd", kFlags | MFD_NOEXEC_SEAL);
    if (fd < 0 && errno == EINVAL) fd = ::memfd_create("shmd", kFlags);
    base::UniqueFd memfd{base::RequireNonNegative(fd, "memfd_create")};
    base::RequireNonNegative(::ftruncate(memfd.Get(), static_cast<off_t>(size_bytes)),
                             "ftruncate of a memfd");
    return memfd;
}

void SealOneWay(int fd) {
    base::RequireNonNegative(::fcntl(fd, F_ADD_SEALS, kOneWaySeals), "sealing a memfd");
}

PoolFault CheckOneWay(int fd, uint64_t size_bytes) noexcept {
    const int seals = ::fcntl(fd, F_GET_SEALS);
    if (seals < 0) return PoolFault::kNotMemfd;
    // A fault on a huge page can fail with SIGBUS when none is left; on tmpfs it cannot.
    struct statfs filesystem {};
    if (::fstatfs(fd, &filesystem) != 0 || filesystem.f_type != TMPFS_MAGIC)
        return PoolFault::kNotMemfd;
    if ((seals & kOneWaySeals) != kOneWaySeals) return PoolFault::kUnsealed;
    struct stat status {};
    if (::fstat(fd, &status) != 0 || static_cast<uint64_t>(status.st_size) != size_bytes)
        return PoolFault::kSize;
    return PoolFault::kNone;
}

}  // namespace shmd::shm
