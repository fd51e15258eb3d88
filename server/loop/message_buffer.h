#pragma once

#include "base/unique_fd.h"

#include <sys/socket.h>
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace shmd::loop {

/**
 * The memory that one message is received into. All Receivers of a loop share it: each
 * receives a message and handles it before the next one does.
 *
 * There is room for as many descriptors as the kernel lets a message carry. The kernel
 * closes those that do not fit inside the receiving call, and their sender can make that
 * take as long as it likes (a TCP socket that lingers, a FUSE file).
 *
 * Thread: loop.
 */
class MessageBuffer {
  public:
    /** kernel SCM_MAX_FD: a message cannot carry more. */
    static constexpr size_t kMaxFds = 253;

    /** @param max_message_bytes  longest payload. Errors: std::bad_alloc. */
    explicit MessageBuffer(size_t max_message_bytes) : payload_(max_message_bytes) {
        fds_.reserve(kMaxFds);
    }
    MessageBuffer(const MessageBuffer&) = delete;
    MessageBuffer& operator=(const MessageBuffer&) = delete;

    /** Whether a message was requested and not taken yet. */
    [[nodiscard]] bool IsInUse() const noexcept { return is_in_use_; }

    /** For a recvmsg request, which may fill it until Take. @pre not IsInUse() */
    msghdr* Lend() noexcept;

    /** What a request has received. */
    struct Message {
        std::span<const std::byte> payload;  // aligned to 8, until the next Lend
        std::span<base::UniqueFd> fds;       // to be moved out; until the next Lend
        bool payload_was_cut;                // it was longer than the buffer
        bool fds_were_lost;  // this process had no descriptor left for some of them
    };

    /** Owns every descriptor that came. @param received  the request's result, >= 0 */
    Message Take(size_t received) noexcept;
    /** The request has failed: nothing came. */
    void TakeNothing() noexcept { is_in_use_ = false; }

  private:
    static constexpr size_t kControlBytes = CMSG_SPACE(kMaxFds * sizeof(int));

    std::vector<std::byte> payload_;
    alignas(cmsghdr) std::array<std::byte, kControlBytes> control_{};
    std::vector<base::UniqueFd> fds_;
    iovec piece_{};
    msghdr header_{};
    bool is_in_use_ = false;
};

}  // namespace shmd::loop
