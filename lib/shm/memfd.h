#pragma once

#include "base/unique_fd.h"

#include <cstdint>

namespace shmd::shm {

/** What is wrong with a descriptor that came as a pool. */
enum class PoolFault {
    kNone,
    kNotMemfd,  // something else, or a memfd on huge pages (their faults can fail)
    kUnsealed,  // its owner could still resize it or make new writable mappings
    kSize,      // not as large as announced
};

/** One sentence on a fault, for a log or a refusal. Thread: any. */
const char* Describe(PoolFault fault) noexcept;

/** A memfd of `size_bytes`, sparse, close-on-exec, not sealed yet. Errors:
 * std::system_error. */
base::UniqueFd CreateMemfd(uint64_t size_bytes);

/**
 * From here on no process, its creator included, can resize `fd` or map it writable
 * again; existing writable mappings stay so. Errors: std::system_error (before
 * Linux 5.1).
 */
void SealOneWay(int fd);

/** Whether a peer's `fd` is a memfd of this size that was sealed one-way. Thread: any. */
PoolFault CheckOneWay(int fd, uint64_t size_bytes) noexcept;

}  // namespace shmd::shm
