#include "memory_lock.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace shmd {

namespace {

/** The kernel asks for CAP_IPC_LOCK, which is root's. */
bool MayLockAll() noexcept {
    rlimit limit{};
    return ::geteuid() == 0 ||
           (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY);
}

}  // namespace

bool LockMemory() noexcept {
    return MayLockAll() && ::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) == 0;
}

}  // namespace shmd
