#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <utility>

namespace shmd::base {

/**
 * A bounded queue from one producer thread to one consumer thread. No locks, no
 * allocation.
 *
 *     tail_: written by the producer alone (release), read by the consumer (acquire)
 *     head_: written by the consumer alone (release), read by the producer (acquire)
 *
 * A slot belongs to the producer while its index is in [tail, head + N), and to the
 * consumer while it is in [head, tail). Releasing an index hands the slot over with it.
 */
template <typename T, size_t kCapacity>
class SpscQueue {
    static_assert(kCapacity > 0 && (kCapacity & (kCapacity - 1)) == 0, "a power of two");

  public:
    /** @return false when full; `item` is then untouched. Thread: producer. Realtime:
     * yes. */
    bool TryPush(T&& item) noexcept {
        const size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail - head_.load(std::memory_order_acquire) == kCapacity) return false;
        slots_[tail % kCapacity] = std::move(item);
        tail_.store(tail + 1, std::memory_order_release);
        return true;
    }

    /** @return false when empty. Thread: consumer. Realtime: yes. */
    bool TryPop(T& item) noexcept {
        const size_t head = head_.load(std::memory_order_relaxed);
        if (head == tail_.load(std::memory_order_acquire)) return false;
        item = std::move(slots_[head % kCapacity]);
        head_.store(head + 1, std::memory_order_release);
        return true;
    }

  private:
    alignas(64) std::atomic<size_t> tail_{0};
    alignas(64) std::atomic<size_t> head_{0};
    alignas(64) std::array<T, kCapacity> slots_{};
};

}  // namespace shmd::base
