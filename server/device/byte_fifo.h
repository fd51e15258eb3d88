#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace shmd::device {

/**
 * Bytes from one producer thread to one consumer thread; no locks, no allocation after
 * construction.
 *
 *     written_  bytes ever written: stored by the producer alone (release)
 *     read_     bytes ever read: stored by the consumer alone (release)
 *
 *               read_ % capacity         written_ % capacity
 *               v                        v
 *     |  free   | the consumer's to read | free, the producer's |
 *
 * Why it is safe: the consumer acquires written_ before it touches the bytes below it, so
 * it sees what the producer copied there before the release. The producer acquires read_
 * before it overwrites the bytes below it, so the consumer's reads of them have happened
 * before. Each side's own index has no other writer and needs no order. The counts are 64
 * bits and do not wrap: 100 MB a second would take 5000 years.
 */
class ByteFifo {
  public:
    /** @param capacity_bytes  at least 1; all are touched, so that no later write faults
     */
    explicit ByteFifo(size_t capacity_bytes);

    /**
     * Write all of `bytes` or nothing.
     * @return false when they do not fit
     * Thread: producer.  Realtime: yes.
     */
    bool TryWrite(std::span<const std::byte> bytes) noexcept;

    /** Bytes that can be read. Thread: consumer. Realtime: yes. */
    [[nodiscard]] size_t ReadableBytes() const noexcept;

    /**
     * The oldest bytes, as far as they lie in one piece; the rest follows after
     * Discard(). Thread: consumer.  Realtime: yes.
     */
    [[nodiscard]] std::span<const std::byte> Front() const noexcept;

    /**
     * Give the oldest `bytes` bytes back to the producer.
     * @pre bytes <= ReadableBytes()
     * Thread: consumer.  Realtime: yes.
     */
    void Discard(size_t bytes) noexcept;

    [[nodiscard]] size_t CapacityBytes() const noexcept { return bytes_.size(); }

  private:
    std::vector<std::byte> bytes_;
    alignas(64) std::atomic<uint64_t> written_{0};
    alignas(64) std::atomic<uint64_t> read_{0};
};

}  // namespace shmd::device
