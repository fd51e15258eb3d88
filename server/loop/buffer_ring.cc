#include "loop/buffer_ring.h"

#include "loop/loop.h"

#include <sys/socket.h>
#include <unistd.h>
#include <cassert>
#include <memory>

namespace shmd::loop {

namespace {

/** Buffers begin on cache lines, so that control data and payload are aligned to 8. */
constexpr size_t kAlignment = 64;

constexpr size_t RoundUp(size_t bytes) {
    return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

size_t ControlBytesFor(size_t max_fds) {
    return max_fds == 0 ? 0 : CMSG_SPACE(max_fds * sizeof(int));
}

}  // namespace

BufferRing::BufferRing(Loop& loop, unsigned count, size_t max_message_bytes,
                       size_t max_fds)
    : loop_{loop},
      count_{count},
      max_fds_{max_fds},
      control_bytes_{ControlBytesFor(max_fds)},
      buffer_bytes_{sizeof(io_uring_recvmsg_out) + control_bytes_ + max_message_bytes},
      stride_bytes_{RoundUp(buffer_bytes_)},
      group_{loop.next_buffer_group_++},
      buffers_(count * stride_bytes_ + kAlignment) {
    // The kernel wants the ring on a page of its own alignment.
    const auto page_bytes = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    ring_memory_.resize(count * sizeof(io_uring_buf) + page_bytes);
    void* memory = ring_memory_.data();
    size_t space = ring_memory_.size();
    std::align(page_bytes, count * sizeof(io_uring_buf), memory, space);
    ring_ = static_cast<io_uring_buf_ring*>(memory);
    loop_.ring_.RegisterBufferRing(ring_, count_, group_);
    for (unsigned id = 0; id < count_; ++id)
        GiveBack(static_cast<uint16_t>(id));
}

BufferRing::~BufferRing() {
    loop_.ring_.UnregisterBufferRing(group_);
}

std::span<std::byte> BufferRing::Buffer(uint16_t id) noexcept {
    assert(id < count_);
    void* first = buffers_.data();
    size_t space = buffers_.size();
    std::align(kAlignment, count_ * stride_bytes_, first, space);
    return {static_cast<std::byte*>(first) + id * stride_bytes_, buffer_bytes_};
}

void BufferRing::GiveBack(uint16_t id) noexcept {
    const std::span<std::byte> buffer = Buffer(id);
    io_uring_buf_ring_add(ring_, buffer.data(), static_cast<unsigned>(buffer.size()), id,
                          io_uring_buf_ring_mask(count_), 0);
    io_uring_buf_ring_advance(ring_, 1);
}

}  // namespace shmd::loop
