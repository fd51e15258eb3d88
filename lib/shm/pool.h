#pragma once

#include "base/unique_fd.h"
#include "shm/mapping.h"
#include "wire/limits.h"

#include <cstdint>
#include <optional>

namespace shmd::shm {

/**
 * The pool that this side writes: created, mapped writable, then sealed, in this order.
 * When the kernel refuses memfds (a sandbox, an old kernel) or they are not wanted, it is
 * private memory of the same layout, and the payload goes over the socket.
 * Thread: any (the memory: see stream_block.h).  Realtime: no.
 */
class OwnPool {
  public:
    /** A sealed memfd. Errors: std::system_error. */
    static OwnPool Shared(size_t size_bytes = wire::kPoolBytes);

    /** Private memory. Errors: std::system_error. */
    static OwnPool Private(size_t size_bytes = wire::kPoolBytes);

    [[nodiscard]] bool IsShared() const noexcept { return is_shared_; }

    /** The descriptor, to be sent to the peer and then closed; only once, only if shared.
     */
    [[nodiscard]] base::UniqueFd TakeFd() noexcept { return std::move(fd_); }

    [[nodiscard]] std::span<std::byte> Bytes() const noexcept {
        return mapping_.Writable();
    }

  private:
    OwnPool(base::UniqueFd fd, Mapping mapping, bool is_shared) noexcept;

    base::UniqueFd fd_;
    Mapping mapping_;
    bool is_shared_;
};

/** [offset, offset + length) of a pool, or nothing if it does not lie inside. Thread:
 * any. */
template <typename Byte>
std::optional<std::span<Byte>> FindRange(std::span<Byte> pool, uint64_t offset,
                                         uint64_t length) noexcept {
    if (offset > pool.size() || length > pool.size() - offset) return {};
    return pool.subspan(static_cast<size_t>(offset), static_cast<size_t>(length));
}

}  // namespace shmd::shm
