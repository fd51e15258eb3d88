#include "start_failure.h"

#include <sys/resource.h>
#include <cerrno>

namespace shmd {

namespace {

constexpr rlim_t kBytesPerKib = 1024;

/** The limit's soft value in units of `unit`. */
std::string Limit(int resource, rlim_t unit) {
    rlimit limit{};
    if (::getrlimit(static_cast<__rlimit_resource_t>(resource), &limit) != 0)
        return "unknown";
    if (limit.rlim_cur == RLIM_INFINITY) return "unlimited";
    return std::to_string(limit.rlim_cur / unit);
}

/** @return nothing, unless the error is that of a limit on descriptors */
std::string DescriptorLimit(int error) {
    if (error == ENFILE)
        return ". The system's limit of open files is reached: raise the sysctl "
               "fs.file-max.";
    if (error != EMFILE) return "";
    return ". The limit of open files, RLIMIT_NOFILE, is " + Limit(RLIMIT_NOFILE, 1) +
           ": raise it (ulimit -n, or LimitNOFILE= of the systemd unit).";
}

}  // namespace

std::string ExplainNoUring(const std::system_error& error) {
    const std::string what = std::string{"io_uring is not available: "} + error.what();
    const int number = error.code().value();
    if (const std::string limit = DescriptorLimit(number); !limit.empty())
        return what + limit;
    // Before Linux 5.12 the rings are charged to RLIMIT_MEMLOCK, which was 64 KiB.
    if (number == ENOMEM)
        return what + ". The limit of locked memory, RLIMIT_MEMLOCK, is " +
               Limit(RLIMIT_MEMLOCK, kBytesPerKib) +
               " KiB, and kernels before 5.12 charge io_uring to it: raise it to 1024 "
               "KiB or more (ulimit -l, or LimitMEMLOCK= of the systemd unit). If it is "
               "large enough, the machine or the container is out of memory.";
    return what +
           ". Set the sysctl kernel.io_uring_disabled to 0, or allow the io_uring_* "
           "system calls in the container's seccomp profile.";
}

std::string ExplainStartFailure(const std::system_error& error) {
    if (error.code().value() == EADDRINUSE)
        return std::string{"another server is live at this socket: "} + error.what();
    return error.what() + DescriptorLimit(error.code().value());
}

}  // namespace shmd
