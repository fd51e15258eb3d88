#pragma once

#include <algorithm>
#include <cstdint>

namespace shmd::render {

/**
 * Sees when the blocks of a device take more of a processor than there is, again and
 * again: not once, and not because the machine was busy with something else.
 *
 * The time a turn takes by the wall costs next to nothing to know. Only when that is long
 * are the next blocks measured by the thread's processor time, a system call at each end.
 * What a block takes beyond kMostShare of its own length fills a bucket, so much at most
 * for one block: a page fault, or a host that held the machine up, does not fill it.
 *
 * Thread: audio.  Realtime: yes.
 */
class TurnGuard {
  public:
    /** Whether the processor time of the next block is to be measured. */
    [[nodiscard]] bool IsWatching() const noexcept { return watched_blocks_ > 0; }

    /** A turn took `elapsed_ns` by the wall, and rendered so much sound. */
    void NoteTurn(int64_t elapsed_ns, int64_t sound_ns) noexcept {
        if (sound_ns > 0 && elapsed_ns > sound_ns / 2) watched_blocks_ = kWatchedBlocks;
    }

    /** A block took so much processor time. @return whether one stream has to stop */
    bool AddBlock(int64_t processor_ns, int64_t sound_ns) noexcept {
        if (sound_ns <= 0) return false;
        --watched_blocks_;
        const double excess =
            static_cast<double>(processor_ns) / static_cast<double>(sound_ns) -
            kMostShare;
        if (excess > 0) watched_blocks_ = kWatchedBlocks;
        bucket_ = std::max(bucket_ + std::min(excess, kMostOfOne), 0.0);
        if (bucket_ < kFull) return false;
        bucket_ = 0;
        return true;
    }

  private:
    static constexpr int kWatchedBlocks = 64;
    static constexpr double kMostShare = 0.8;
    // Two blocks of twice their own length, or 25 of nine tenths. With a cycle of 10 ms
    // that is before the 200 ms after which real time is given up.
    static constexpr double kMostOfOne = 1.2;
    static constexpr double kFull = 2.4;

    int watched_blocks_ = 0;
    double bucket_ = 0;
};

}  // namespace shmd::render
