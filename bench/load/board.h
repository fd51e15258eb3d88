#pragma once

#include "bench/load/player.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace shmd::bench {

/** How late a writer was woken, in nanoseconds after its most punctual wake. */
struct Lateness {
    uint64_t wakes = 0;  // that were measured
    int64_t p50_ns = 0;
    int64_t p99_ns = 0;
    int64_t most_ns = 0;
};

/** One writer's part of the board. Lines of its own: writers do not slow each other. */
struct alignas(128) Slot {
    enum State : uint32_t { kStarting, kRunning, kFailed, kEnded };

    std::atomic<uint32_t> state{kStarting};
    std::atomic<uint64_t> periods{0};
    std::atomic<uint64_t> wakes{0};
    std::atomic<uint64_t> idle_wakes{0};  // found nothing to do
    std::atomic<uint64_t> timeouts{0};
    std::atomic<uint64_t> xruns{0};

    // Written before `state` becomes kRunning …
    Player::Size size;
    int64_t open_ns = 0;  // until the first period was accepted
    // … and before kEnded or kFailed.
    Lateness lateness;
    std::array<char, 160> error{};
};

/**
 * What the writers, processes of their own, and who measures them share: memory that is
 * mapped before they are forked.
 */
class Board {
  public:
    /** Errors: std::system_error. */
    explicit Board(uint32_t writers);
    ~Board();
    Board(const Board&) = delete;
    Board& operator=(const Board&) = delete;

    /** Whether wakes are to be timed, and whether the writers are to end. */
    std::atomic<bool>& Measures() noexcept { return head_->measures; }
    std::atomic<bool>& Stops() noexcept { return head_->stops; }
    std::span<Slot> Slots() noexcept { return slots_; }

  private:
    struct alignas(128) Head {
        std::atomic<bool> measures{false};
        std::atomic<bool> stops{false};
    };

    size_t size_bytes_;
    Head* head_;
    std::span<Slot> slots_;
};

}  // namespace shmd::bench
