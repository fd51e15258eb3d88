#pragma once

#include <cstddef>
#include <memory>

namespace shmd::loop {

class BufferRing;
class Loop;

/**
 * The memory that messages are received into: a ring of buffers that the kernel takes
 * from when a message is there, shared by all Receivers of a loop. A connection that
 * waits holds none.
 *
 * One buffer:
 *
 *     0                16                     16 + CMSG_SPACE(max_fds x 4)
 *     ┌────────────────┬──────────────────────┬──────────────────────────┐
 *     │ recvmsg_out    │ control: SCM_RIGHTS  │ payload                  │
 *     └────────────────┴──────────────────────┴──────────────────────────┘
 *
 * Its memory stays until the last message that is on its way has been received or
 * cancelled, also when the pool is destroyed first.
 */
class BufferPool {
  public:
    /**
     * @param count              buffers, a power of two, 1 to 32768 (the kernel's limit)
     * @param max_message_bytes  longest payload; a longer message is a bad one
     * @param max_fds            most descriptors in a message, 0 to 253 (SCM_MAX_FD)
     *
     * Thread: loop.  Errors: std::system_error.
     */
    BufferPool(Loop& loop, unsigned count, size_t max_message_bytes, size_t max_fds);
    ~BufferPool();
    BufferPool(const BufferPool&) = delete;
    BufferPool& operator=(const BufferPool&) = delete;

    [[nodiscard]] const std::shared_ptr<BufferRing>& Ring() const noexcept {
        return ring_;
    }

  private:
    std::shared_ptr<BufferRing> ring_;
};

}  // namespace shmd::loop
