#pragma once

#include <atomic>
#include <cstdint>

namespace shmd::render {

/** What the audio thread counts; it alone adds, anybody may look. */
struct Counters {
    std::atomic<uint64_t> starts{0};        // of the device
    std::atomic<uint64_t> turns{0};         // times it woke
    std::atomic<uint64_t> cycles{0};        // blocks it rendered
    std::atomic<uint64_t> exact_cycles{0};  // of which copied bit for bit
    std::atomic<uint64_t> wakes{0};         // clients woken
    std::atomic<uint64_t> system_calls{0};
    std::atomic<int64_t> most_late_ns{0};  // for a cycle

    static void Add(std::atomic<uint64_t>& counter, uint64_t n = 1) noexcept {
        counter.store(counter.load(std::memory_order_relaxed) + n,
                      std::memory_order_relaxed);
    }
    static void Raise(std::atomic<int64_t>& most, int64_t value) noexcept {
        if (value > most.load(std::memory_order_relaxed))
            most.store(value, std::memory_order_relaxed);
    }
};

/** The same of one stream. */
struct StreamCounters {
    std::atomic<uint64_t> frames{0};  // played or captured, the client's own
    std::atomic<uint64_t> xruns{0};
    std::atomic<uint64_t> wakes{0};
    std::atomic<uint64_t> direct_frames{0};  // that the client wrote into the card's ring
};

}  // namespace shmd::render
