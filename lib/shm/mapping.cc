#include "shm/mapping.h"

#include "base/error.h"

#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace shmd::shm {

namespace {

std::span<std::byte> Map(int fd, size_t size_bytes, int protection, int flags) {
    void* address = ::mmap(nullptr, size_bytes, protection, flags, fd, 0);
    if (address == MAP_FAILED) base::ThrowErrno("mmap");
    return {static_cast<std::byte*>(address), size_bytes};
}

}  // namespace

size_t WholePages(size_t bytes) noexcept {
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    return (bytes + page - 1) / page * page;
}

Mapping::Mapping(Mapping&& other) noexcept : bytes_{std::exchange(other.bytes_, {})} {}

Mapping& Mapping::operator=(Mapping&& other) noexcept {
    std::swap(bytes_, other.bytes_);
    return *this;
}

Mapping::~Mapping() {
    if (!bytes_.empty()) ::munmap(bytes_.data(), bytes_.size());
}

Mapping Mapping::OfFile(int fd, size_t size_bytes, Access access) {
    const int protection =
        access == Access::kReadWrite ? PROT_READ | PROT_WRITE : PROT_READ;
    return Mapping{Map(fd, size_bytes, protection, MAP_SHARED)};
}

Mapping Mapping::OfNothing(size_t size_bytes) {
    return Mapping{Map(-1, size_bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)};
}

bool Mapping::TryGrow(size_t size_bytes) noexcept {
    if (size_bytes <= bytes_.size()) return true;
    void* address = ::mremap(bytes_.data(), bytes_.size(), size_bytes, MREMAP_MAYMOVE);
    if (address == MAP_FAILED) return false;
    bytes_ = {static_cast<std::byte*>(address), size_bytes};
    return true;
}

}  // namespace shmd::shm
