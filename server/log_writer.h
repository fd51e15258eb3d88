#pragma once

#include "base/thread.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

namespace shmd {

/**
 * Writes lines to a descriptor from a thread of its own, so that no other thread waits
 * when what is behind the descriptor does not read: a pipe, a terminal that is held.
 *
 *     any thread: Push ─► queue of at most kMostBytes ─► the writer's thread ─► write(2)
 *
 * A line that finds the queue full is left out and counted. The descriptor is never made
 * non-blocking: other processes share its open file.
 */
class LogWriter {
  public:
    static constexpr size_t kMostBytes = size_t{1} << 20;

    /**
     * @param fd       borrowed
     * @param on_lost  called by the writer's thread, once there is room again, with the
     *                 number of lines that were left out; may Push
     */
    LogWriter(int fd, std::function<void(uint64_t lines)> on_lost);
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    /** Write what waits, for as long as that takes. */
    ~LogWriter();

    /**
     * Write `line`, which ends with a newline, later. Never waits for the descriptor.
     * Thread: any but the audio thread.  Errors: none; a line for which there is no
     * memory is left out and counted.
     */
    void Push(std::string_view line) noexcept;

    /** Count a line that could not be made. Thread: any but the audio thread. */
    void CountLost() noexcept;

    /** Wait until what was pushed before is written, or until so much time is over.
     * Thread: any but the writer's. */
    void Flush(std::chrono::milliseconds most);

  private:
    void Run();
    void WriteFirst(std::unique_lock<std::mutex>& lock);
    void TellLost(std::unique_lock<std::mutex>& lock);

    const int fd_;
    const std::function<void(uint64_t lines)> on_lost_;
    std::mutex mutex_;
    std::condition_variable pushed_;
    std::condition_variable written_;
    std::deque<std::string> lines_;
    size_t bytes_ = 0;
    uint64_t lost_ = 0;
    uint64_t pushed_count_ = 0;
    uint64_t written_count_ = 0;
    bool stop_ = false;
    base::Thread thread_;  // the last: it uses all the others
};

}  // namespace shmd
