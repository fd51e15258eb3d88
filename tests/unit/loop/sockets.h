#pragma once

#include "base/unique_fd.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shmd::loop {

/** Two ends of a SOCK_SEQPACKET connection. `flags`: SOCK_NONBLOCK or 0. */
std::pair<base::UniqueFd, base::UniqueFd> SocketPair(int flags = 0);

/** A descriptor that can be told from others: an eventfd that holds `number` (> 0). */
base::UniqueFd NumberedFd(uint64_t number);

/** The number of a NumberedFd, which is 0 afterwards; 0 when it is none. */
uint64_t NumberOf(const base::UniqueFd& fd);

/** sendmsg(2) without waiting. @return whether the message went. */
bool SendNow(const base::UniqueFd& socket, std::string_view text,
             std::span<const base::UniqueFd> fds = {});

/** recv(2) without waiting, of at most 64 KiB, for tests of what was sent. */
std::optional<std::string> ReceiveNow(const base::UniqueFd& socket);

inline std::vector<std::byte> Bytes(std::string_view text) {
    const auto* first = reinterpret_cast<const std::byte*>(text.data());
    return {first, first + text.size()};
}

inline std::string Text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::vector<base::UniqueFd> NumberedFds(uint64_t first, size_t count) {
    std::vector<base::UniqueFd> fds;
    for (size_t i = 0; i < count; ++i)
        fds.push_back(NumberedFd(first + i));
    return fds;
}

}  // namespace shmd::loop
