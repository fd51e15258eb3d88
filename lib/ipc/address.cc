#include "ipc/address.h"

#include <sys/socket.h>
#include <algorithm>

namespace shmd::ipc {

std::optional<sockaddr_un> FindAddress(const std::string& path) noexcept {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) return {};
    std::ranges::copy(path, address.sun_path);
    return address;
}

}  // namespace shmd::ipc
