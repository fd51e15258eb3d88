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

}  // namespace shmd::test
