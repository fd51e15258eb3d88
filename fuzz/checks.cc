#include "fuzz/checks.h"

#include <dirent.h>
#include <sys/mman.h>
#include <unistd.h>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace shmd::fuzz {

namespace {

// What the linker's --wrap has counted: to read /proc/self/maps takes far longer.
std::atomic<size_t> mappings{0};

size_t CountDescriptors() {
    const auto close = [](DIR* folder) { ::closedir(folder); };
    const std::unique_ptr<DIR, decltype(close)> folder{::opendir("/proc/self/fd"), close};
    size_t count = 0;
    while (folder && ::readdir(folder.get()) != nullptr)
        ++count;
    return count;
}

}  // namespace

void Require(bool holds, const char* what) noexcept {
    if (holds) return;
    std::fprintf(stderr, "REQUIRED: %s\n", what);
    std::abort();
}

Held CountHeld() {
    return {CountDescriptors(), mappings};
}

namespace {

void ShowDescriptors() {
    for (int fd = 0; fd < 64; ++fd) {
        const std::string path = "/proc/self/fd/" + std::to_string(fd);
        std::array<char, 256> target{};
        if (::readlink(path.c_str(), target.data(), target.size() - 1) > 0)
            std::fprintf(stderr, "  descriptor %d: %s\n", fd, target.data());
    }
}

}  // namespace

void RequireSameHeld(const Held& before, const Held& after) noexcept {
    if (before == after) return;
    std::fprintf(stderr, "descriptors %zu, then %zu; mappings %zu, then %zu\n",
                 before.descriptors, after.descriptors, before.mappings, after.mappings);
    ShowDescriptors();
    Require(false, "descriptors and mappings are what they were at the start");
}

}  // namespace shmd::fuzz

// What the product's calls of mmap and munmap are linked to (fuzz/module.am).
extern "C" {
void* __real_mmap(void* address, size_t bytes, int access, int flags, int fd, off_t at);
int __real_munmap(void* address, size_t bytes);
void* __wrap_mmap(void* address, size_t bytes, int access, int flags, int fd, off_t at);
int __wrap_munmap(void* address, size_t bytes);

void* __wrap_mmap(void* address, size_t bytes, int access, int flags, int fd, off_t at) {
    void* const mapped = __real_mmap(address, bytes, access, flags, fd, at);
    if (mapped != MAP_FAILED) ++shmd::fuzz::mappings;
    return mapped;
}

int __wrap_munmap(void* address, size_t bytes) {
    const int result = __real_munmap(address, bytes);
    if (result == 0) --shmd::fuzz::mappings;
    return result;
}
}
