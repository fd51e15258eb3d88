#include "fuzz/descriptors.h"

#include "base/error.h"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include <array>

namespace shmd::fuzz {

namespace {

constexpr std::array<int, 6> kSeals{
    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_FUTURE_WRITE,
    0,
    F_SEAL_SEAL,
    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL,
    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL | F_SEAL_WRITE,
    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE};

base::UniqueFd TakeMemfd(Input& input, uint64_t size_bytes) {
    const std::array<uint64_t, 6> sizes{size_bytes,     0,    1,
                                        size_bytes / 2, 4096, uint64_t{1} << 36};
    base::UniqueFd fd{base::RequireNonNegative(
        ::memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING), "memfd_create")};
    base::RequireNonNegative(::ftruncate(fd.Get(), static_cast<off_t>(input.Pick(sizes))),
                             "ftruncate");
    base::RequireNonNegative(::fcntl(fd.Get(), F_ADD_SEALS, input.Pick(kSeals)),
                             "F_ADD_SEALS");
    return fd;
}

base::UniqueFd OneOfPair(Input& input) {
    std::array<int, 2> fds{};
    const bool is_socket = input.TakeIndex(2) == 1;
    const int result =
        is_socket ? ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data())
                  : ::pipe2(fds.data(), O_CLOEXEC);
    base::RequireNonNegative(result, "a pair of descriptors");
    const base::UniqueFd other{fds[1]};
    return base::UniqueFd{fds[0]};
}

}  // namespace

base::UniqueFd TakeDescriptor(Input& input, uint64_t size_bytes) {
    switch (input.TakeIndex(8)) {
        case 0:
            return OneOfPair(input);
        case 1:
            return base::UniqueFd{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)};
        case 2:
            return base::UniqueFd{::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
        case 3:
            return base::UniqueFd{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
        default:
            return TakeMemfd(input, size_bytes);
    }
}

}  // namespace shmd::fuzz
