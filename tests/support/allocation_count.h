#pragma once

#include <cstdint>

namespace shmd::test {

/**
 * How often the calling thread has asked for memory, in this program's code or any
 * library's: malloc and its kin, and operator new, which comes through malloc.
 *
 * Thread: any (each has its own count).  Realtime: yes.
 */
uint64_t AllocationCount() noexcept;

/**
 * While it lives one request for memory of the calling thread fails: the n-th from now,
 * 1 for the next. What comes after it succeeds.
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

extern const bool kCanFailAllocations;

}  // namespace shmd::test
