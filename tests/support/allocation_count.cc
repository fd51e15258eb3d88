#include "tests/support/allocation_count.h"

#include <malloc.h>
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SHMD_SANITIZER_OWNS_MALLOC
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SHMD_SANITIZER_OWNS_MALLOC
#endif

namespace {

thread_local uint64_t allocations = 0;
thread_local uint64_t failing = 0;          // the allocation with this number; 0: none
thread_local size_t bytes_left = SIZE_MAX;  // SIZE_MAX: no limit
thread_local shmd::test::AtAllocation* at_allocation = nullptr;

void Note() noexcept {
    ++allocations;
    if (at_allocation != nullptr) at_allocation->OnAllocation(allocations);
}

}  // namespace

#ifdef SHMD_SANITIZER_OWNS_MALLOC

// A sanitizer's own malloc calls this after each allocation
// (sanitizer/allocator_interface.h).
extern "C" __attribute__((visibility("default"))) void __sanitizer_malloc_hook(
    const volatile void*, size_t) {
    Note();
}

#else

// The program's malloc comes before the C library's for every library that it loads.
// glibc offers the real ones under these names.
namespace {

/** Count one. @return false: it is to fail */
bool Count(size_t size) noexcept {
    Note();
    return allocations != failing && size <= bytes_left;
}

/** `memory` was allocated. */
void* Take(void* memory) noexcept {
    if (memory != nullptr && bytes_left != SIZE_MAX)
        bytes_left -= std::min(bytes_left, ::malloc_usable_size(memory));
    return memory;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);
void __libc_free(void* memory);

void* malloc(size_t size) {
    return Count(size) ? Take(__libc_malloc(size)) : nullptr;
}

void* calloc(size_t count, size_t size) {
    return Count(count * size) ? Take(__libc_calloc(count, size)) : nullptr;
}

void* realloc(void* old, size_t size) {
    return Count(size) ? __libc_realloc(old, size) : nullptr;
}

void* memalign(size_t alignment, size_t size) {
    return Count(size) ? Take(__libc_memalign(alignment, size)) : nullptr;
}

void* aligned_alloc(size_t alignment, size_t size) {
    return Count(size) ? Take(__libc_memalign(alignment, size)) : nullptr;
}

int posix_memalign(void** result, size_t alignment, size_t size) {
    void* const memory = Count(size) ? Take(__libc_memalign(alignment, size)) : nullptr;
    if (memory == nullptr) return ENOMEM;
    *result = memory;
    return 0;
}

void free(void* memory) {
    if (memory != nullptr && bytes_left != SIZE_MAX)
        bytes_left += ::malloc_usable_size(memory);
    __libc_free(memory);
}

}  // extern "C"
#pragma GCC visibility pop

#endif

namespace shmd::test {

uint64_t AllocationCount() noexcept {
    return allocations;
}

FailAllocation::FailAllocation(uint64_t n) noexcept {
    failing = allocations + n;
}

FailAllocation::~FailAllocation() {
    failing = 0;
}

bool FailAllocation::HasFailed() const noexcept {
    return allocations >= failing;
}

LimitMemory::LimitMemory(size_t bytes) noexcept {
    bytes_left = bytes;
}

LimitMemory::~LimitMemory() {
    bytes_left = SIZE_MAX;
}

AtAllocation::AtAllocation(uint64_t n, std::function<void()> act)
    : act_{std::move(act)}, number_{allocations + n} {
    at_allocation = this;
}

AtAllocation::~AtAllocation() {
    at_allocation = nullptr;
}

void AtAllocation::OnAllocation(uint64_t number) noexcept {
    if (number == number_) act_();
}

#ifdef SHMD_SANITIZER_OWNS_MALLOC
const bool kCanFailAllocations = false;
#else
const bool kCanFailAllocations = true;
#endif

}  // namespace shmd::test
