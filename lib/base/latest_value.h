#pragma once

#include <atomic>
#include <memory>

namespace shmd::base {

/**
 * Hands the newest value from one publisher thread to one taker thread, without locks.
 * A value that was replaced before it was taken is freed by the publisher.
 *
 * Both sides exchange the one pointer; the side that gets a pointer out of it owns it
 * alone.
 */
template <typename T>
class LatestValue {
  public:
    LatestValue() = default;
    LatestValue(const LatestValue&) = delete;
    LatestValue& operator=(const LatestValue&) = delete;
    ~LatestValue() { delete slot_.load(std::memory_order_acquire); }

    /** Thread: publisher. Realtime: no (frees). */
    void Publish(std::unique_ptr<T> value) {
        delete slot_.exchange(value.release(), std::memory_order_acq_rel);
    }

    /** @return the newest value, or nullptr if none is new. Thread: taker. Realtime: yes.
     */
    std::unique_ptr<T> Take() noexcept {
        // The cheap load first: the taker asks every cycle, and mostly in vain.
        if (slot_.load(std::memory_order_relaxed) == nullptr) return nullptr;
        return std::unique_ptr<T>{slot_.exchange(nullptr, std::memory_order_acq_rel)};
    }

  private:
    std::atomic<T*> slot_{nullptr};
};

}  // namespace shmd::base
