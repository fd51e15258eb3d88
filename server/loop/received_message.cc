#include "loop/received_message.h"

#include <liburing.h>
#include <sys/socket.h>
#include <algorithm>
#include <cstring>

namespace shmd::loop {

namespace {

void TakeFds(const cmsghdr& header, std::vector<base::UniqueFd>& fds) {
    const size_t count = (header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
    // Room first: no descriptor may be on its way into the vector when memory runs out.
    fds.reserve(fds.size() + count);
    for (size_t i = 0; i < count; ++i) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(&header) + i * sizeof(int), sizeof(int));
        fds.emplace_back(fd);
    }
}

}  // namespace

ReceivedMessage::ReceivedMessage(std::span<std::byte> buffer, size_t control_bytes) {
    io_uring_recvmsg_out out{};
    const size_t payload_at = sizeof(out) + control_bytes;
    if (buffer.size() < payload_at) return;  // nothing was received
    std::memcpy(&out, buffer.data(), sizeof(out));
    payload_truncated = (out.flags & MSG_TRUNC) != 0;
    control_truncated = (out.flags & MSG_CTRUNC) != 0;
    // The end of file carries no payload, whatever the buffer holds from before.
    if (out.payloadlen > 0) payload = buffer.subspan(payload_at);

    msghdr control{};
    control.msg_control = buffer.data() + sizeof(out);
    control.msg_controllen = std::min<size_t>(out.controllen, control_bytes);
    for (cmsghdr* header = CMSG_FIRSTHDR(&control); header != nullptr;
         header = CMSG_NXTHDR(&control, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS)
            TakeFds(*header, fds);
    }
}

}  // namespace shmd::loop
