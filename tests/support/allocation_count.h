#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace shmd::test {

/**
 * How often the calling thread has asked for memory, in this program's code or any
 * library's: malloc and its kin, and operator new, which comes through malloc.
 *
 * Thread: any (each has its own count).  Realtime: yes.
 */
uint64_t AllocationCount() noexcept;

/**
 * While it lives, one allocation of the calling thread fails: the n-th from now, 1 for
 * the next. Later ones succeed.
 *
 * Not in a sanitizer's build: kCanFailAllocations is false there.
 */
class FailAllocation {
  public:
    explicit FailAllocation(uint64_t n) noexcept;
    FailAllocation(const FailAllocation&) = delete;
    FailAllocation& operator=(const FailAllocation&) = delete;
    ~FailAllocation();

    /** Whether it has failed by now. */
    [[nodiscard]] bool HasFailed() const noexcept;
};

/**
 * While it lives, the calling thread can allocate `bytes` more; what it frees it can
 * allocate again. Not in a sanitizer's build, as FailAllocation.
 */
class LimitMemory {
  public:
    explicit LimitMemory(size_t bytes) noexcept;
    LimitMemory(const LimitMemory&) = delete;
    LimitMemory& operator=(const LimitMemory&) = delete;
    ~LimitMemory();
};

/** While it lives, call `act` at the calling thread's n-th allocation from now, 1 for the
 * next. In every build. */
class AtAllocation {
  public:
    AtAllocation(uint64_t n, std::function<void()> act);
    AtAllocation(const AtAllocation&) = delete;
    AtAllocation& operator=(const AtAllocation&) = delete;
    ~AtAllocation();

    /** For the allocator: this is the thread's `number`-th. */
    void OnAllocation(uint64_t number) noexcept;

  private:
    std::function<void()> act_;
    uint64_t number_;
};

extern const bool kCanFailAllocations;

}  // namespace shmd::test
