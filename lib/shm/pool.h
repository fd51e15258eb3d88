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
    /** A sealed memfd, mapped whole. Errors: std::system_error. */
    static OwnPool Shared(size_t size_bytes = wire::kPoolBytes) {
        return Shared(size_bytes, size_bytes);
    }
    /** The same, with only the first `mapped_bytes` mapped. */
    static OwnPool Shared(size_t size_bytes, size_t mapped_bytes);

    /** Private memory. Errors: std::system_error. */
    static OwnPool Private(size_t size_bytes = wire::kPoolBytes);

    [[nodiscard]] bool IsShared() const noexcept { return is_shared_; }

    /** The descriptor, to be sent to the peer and then closed; only once, only if shared.
     */
    [[nodiscard]] base::UniqueFd TakeFd() noexcept { return std::move(fd_); }

    /** The mapped part. */
    [[nodiscard]] std::span<std::byte> Bytes() const noexcept {
        return mapping_.Writable();
    }
    /** Of the whole pool, mapped or not. */
    [[nodiscard]] size_t SizeBytes() const noexcept { return size_bytes_; }

    /**
     * Map the first `mapped_bytes`; the address may change. The seals forbid a new
     * writable mapping but let one grow (seen on Linux 6.1 and 6.12: mremap(2) checks no
     * seal). On a kernel that refuses this, the result is false.
     *
     * @param mapped_bytes  at most SizeBytes()
     * @return false: no room, and nothing has changed
     */
    [[nodiscard]] bool TryMap(size_t mapped_bytes) noexcept {
        return mapping_.TryGrow(mapped_bytes);
    }

  private:
    OwnPool(base::UniqueFd fd, Mapping mapping, size_t size_bytes,
            bool is_shared) noexcept;

    base::UniqueFd fd_;
    Mapping mapping_;
    size_t size_bytes_;
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
