#include "tests/support/allocation_count.h"

#include <cerrno>
#include <cstddef>

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
thread_local uint64_t failing = 0;  // the allocation with this number; 0: none

}  // namespace

#ifdef SHMD_SANITIZER_OWNS_MALLOC

// A sanitizer's own malloc calls this after each allocation
// (sanitizer/allocator_interface.h).
extern "C" __attribute__((visibility("default"))) void __sanitizer_malloc_hook(
    const volatile void*, size_t) {
    ++allocations;
}

#else

// The program's malloc comes before the C library's for every library that it loads.
// glibc offers the real ones under these names.
namespace {

/** Count one. @return false: it is to fail */
bool Count() noexcept {
    return ++allocations != failing;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

void* __libc_malloc(size_t size);
void* __libc_calloc(size_t count, size_t size);
void* __libc_realloc(void* old, size_t size);
void* __libc_memalign(size_t alignment, size_t size);

void* malloc(size_t size) {
    if (!Count()) return nullptr;
    return __libc_malloc(size);
}

void* calloc(size_t count, size_t size) {
    if (!Count()) return nullptr;
    return __libc_calloc(count, size);
}

void* realloc(void* old, size_t size) {
    if (!Count()) return nullptr;
    return __libc_realloc(old, size);
}

void* memalign(size_t alignment, size_t size) {
    if (!Count()) return nullptr;
    return __libc_memalign(alignment, size);
}

void* aligned_alloc(size_t alignment, size_t size) {
    if (!Count()) return nullptr;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void** result, size_t alignment, size_t size) {
    void* const memory = Count() ? __libc_memalign(alignment, size) : nullptr;
    if (memory == nullptr) return ENOMEM;
    *result = memory;
    return 0;
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

#ifdef SHMD_SANITIZER_OWNS_MALLOC
const bool kCanFailAllocations = false;
#else
const bool kCanFailAllocations = true;
#endif

}  // namespace shmd::test
