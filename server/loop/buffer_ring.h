#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

struct io_uring_buf_ring;

namespace shmd::loop {

class Loop;

/**
 * What stands behind a BufferPool: it lives until the pool and every receive operation
 * that was started with it are gone.  Thread: loop.
 */
class BufferRing {
  public:
    BufferRing(Loop& loop, unsigned count, size_t max_message_bytes, size_t max_fds);
    BufferRing(const BufferRing&) = delete;
    BufferRing& operator=(const BufferRing&) = delete;
    ~BufferRing();

    /** What a request names the ring by. */
    [[nodiscard]] uint16_t Group() const noexcept { return group_; }

    /** Room for control data in each buffer, after io_uring_recvmsg_out. */
    [[nodiscard]] size_t ControlBytes() const noexcept { return control_bytes_; }

    [[nodiscard]] size_t MaxFds() const noexcept { return max_fds_; }

    /** The whole of buffer `id`, that a completion has named. */
    [[nodiscard]] std::span<std::byte> Buffer(uint16_t id) noexcept;

    /** The kernel may fill buffer `id` again. */
    void GiveBack(uint16_t id) noexcept;

  private:
    Loop& loop_;
    unsigned count_;
    size_t max_fds_;
    size_t control_bytes_;
    size_t buffer_bytes_;  // what the kernel may fill
    size_t stride_bytes_;  // from one buffer to the next
    uint16_t group_;
    std::vector<std::byte> ring_memory_;
    std::vector<std::byte> buffers_;
    io_uring_buf_ring* ring_ = nullptr;
};

}  // namespace shmd::loop
