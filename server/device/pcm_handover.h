#pragma once

#include <atomic>
#include <cstdint>

namespace shmd::device {

/**
 * Which thread has a PCM's handle: the loop or the audio thread. No lock, no waiting.
 *
 *               Opened (loop)            TryStart (audio)
 *     closed ──────────────────► idle ◄──────────────────► started
 *        ▲   TryClose (loop)      │        Stop (audio)       │ Fail (audio)
 *        ├────────────────────────┘                           ▼
 *        └──────────────────── TryClose (loop) ───────────  failed
 *
 * In `closed` and `failed` the loop has the handle, in `started` the audio thread. In
 * `idle` neither touches it; a thread takes it with one compare-and-exchange, which only
 * one of the two wins. Each arrow releases what its thread did with the handle, and the
 * next thread's arrow acquires it: TryStart sees the open of the loop, TryClose the last
 * call of the audio thread.
 */
class PcmHandover {
  public:
    // --- the loop's side

    /** The handle is there now. @pre closed. Thread: loop. */
    void Opened() noexcept { state_.store(State::kIdle, std::memory_order_release); }

    /** Take the handle to close it, if it is not started. @return whether it is closed.
     * Thread: loop. */
    bool TryClose() noexcept {
        return Exchange(State::kIdle, State::kClosed) ||
               Exchange(State::kFailed, State::kClosed) || IsClosed();
    }

    /** Whether the handle is there and works, as far as is known. Thread: loop. */
    [[nodiscard]] bool IsUsable() const noexcept {
        const State state = state_.load(std::memory_order_acquire);
        return state == State::kIdle || state == State::kStarted;
    }

    // --- the audio thread's side

    /** Take the handle. @return false if it is not there. Thread: audio. Realtime: yes.
     */
    bool TryStart() noexcept { return Exchange(State::kIdle, State::kStarted); }

    /** Give the handle back. @pre started. Thread: audio. Realtime: yes. */
    void Stop() noexcept { state_.store(State::kIdle, std::memory_order_release); }

    /** Give it back to be closed only. @pre started. Thread: audio. Realtime: yes. */
    void Fail() noexcept { state_.store(State::kFailed, std::memory_order_release); }

    /** Whether it was started and not given back. Thread: audio, or when that is gone. */
    [[nodiscard]] bool IsStarted() const noexcept {
        return state_.load(std::memory_order_acquire) == State::kStarted;
    }

  private:
    enum class State : uint8_t { kClosed, kIdle, kStarted, kFailed };

    bool Exchange(State from, State to) noexcept {
        return state_.compare_exchange_strong(from, to, std::memory_order_acq_rel,
                                              std::memory_order_acquire);
    }

    [[nodiscard]] bool IsClosed() const noexcept {
        return state_.load(std::memory_order_acquire) == State::kClosed;
    }

    std::atomic<State> state_{State::kClosed};
};

}  // namespace shmd::device
