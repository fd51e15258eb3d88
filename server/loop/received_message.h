#pragma once

#include "base/unique_fd.h"

#include <cstddef>
#include <span>
#include <vector>

namespace shmd::loop {

/** A message as the kernel wrote it into a buffer (see BufferPool), taken apart. */
struct ReceivedMessage {
    /**
     * @param buffer         what the kernel filled: io_uring_recvmsg_out, control,
     * payload
     * @param control_bytes  how much of it is set aside for control data
     *
     * Owns every descriptor in it, so parse each message exactly once.
     */
    ReceivedMessage(std::span<std::byte> buffer, size_t control_bytes);

    std::span<const std::byte> payload;
    std::vector<base::UniqueFd> fds;
    bool payload_truncated = false;
    bool control_truncated = false;
};

}  // namespace shmd::loop
