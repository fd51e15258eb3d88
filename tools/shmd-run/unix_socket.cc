#include "tools/shmd-run/unix_socket.h"

#include "base/error.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <cassert>
#include <cstring>

namespace shmd::run {

base::UniqueFd BindUnixSocket(int type, const std::string& path) {
    sockaddr_un address{};
    assert(path.size() < sizeof address.sun_path);
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    base::UniqueFd fd{
        base::RequireNonNegative(socket(AF_UNIX, type | SOCK_CLOEXEC, 0), "socket")};
    base::RequireNonNegative(
        bind(fd.Get(), reinterpret_cast<const sockaddr*>(&address), sizeof address),
        "bind");
    return fd;
}

}  // namespace shmd::run
