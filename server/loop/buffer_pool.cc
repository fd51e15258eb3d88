#include "loop/buffer_pool.h"

#include "loop/buffer_ring.h"

namespace shmd::loop {

BufferPool::BufferPool(Loop& loop, unsigned count, size_t max_message_bytes,
                       size_t max_fds)
    : ring_{std::make_shared<BufferRing>(loop, count, max_message_bytes, max_fds)} {}

BufferPool::~BufferPool() = default;

}  // namespace shmd::loop
