#pragma once

#include "bench/load/player.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace shmd::bench {

/** One writer's shared memory and its eventfd, which exist before anybody is forked. */
class Ring {
  public:
    /** Errors: std::system_error. */
    explicit Ring(uint32_t frames);
    ~Ring();
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;

    std::atomic<uint64_t>& Written() noexcept { return head_->written; }
    std::atomic<uint64_t>& Read() noexcept { return head_->read; }
    [[nodiscard]] uint32_t Frames() const noexcept { return frames_; }
    /** Interleaved samples; frame n is at n modulo Frames(). */
    int16_t* At(uint64_t frame) noexcept {
        return samples_ + frame % frames_ * kChannels;
    }

    [[nodiscard]] int EventFd() const noexcept { return event_fd_; }

  private:
    struct Head {
        alignas(64) std::atomic<uint64_t> written{0};
        alignas(64) std::atomic<uint64_t> read{0};
    };

    uint32_t frames_;
    size_t size_bytes_;
    int event_fd_;
    Head* head_;
    int16_t* samples_;
};

using Rings = std::vector<std::unique_ptr<Ring>>;

/**
 * Woken every period: read one of each ring, add it up, and write each eventfd. Never
 * returns. There is no protocol, no check, no gain and no device: nobody does with less.
 */
[[noreturn]] void Serve(Rings& rings, uint32_t period_frames);

}  // namespace shmd::bench
