#pragma once

#include "base/spsc_queue.h"

#include <atomic>
#include <cstdint>

namespace shmd::base {

/** One binary record of an event. Its user defines what `code`, `subject`, `a` and `b`
 * mean. */
struct EventRecord {
    int64_t time_ns = 0;
    uint32_t code = 0;
    uint64_t subject = 0;
    uint64_t a = 0;
    uint64_t b = 0;
};

/**
 * How the audio thread tells the loop: fixed records, formatted over there.
 * A full queue drops the record and counts it. One writer thread, one reader thread.
 */
class EventLog {
  public:
    /** @return false when it was full and lost the record. Thread: writer. Realtime: yes.
     */
    bool Push(const EventRecord& record) noexcept {
        EventRecord copy = record;
        const bool pushed = queue_.TryPush(std::move(copy));
        if (!pushed) dropped_.fetch_add(1, std::memory_order_relaxed);
        return pushed;
    }

    /** Thread: reader. */
    bool TryPop(EventRecord& record) noexcept { return queue_.TryPop(record); }

    /** Records lost so far. Thread: any. */
    [[nodiscard]] uint64_t Dropped() const noexcept {
        return dropped_.load(std::memory_order_relaxed);
    }

  private:
    SpscQueue<EventRecord, 1024> queue_;
    std::atomic<uint64_t> dropped_{0};
};

}  // namespace shmd::base
