#include "fuzz/memory_file.h"

#include "base/error.h"

#include <sys/mman.h>
#include <unistd.h>
#include <cerrno>

namespace shmd::fuzz {

MemoryFile::MemoryFile(std::span<const std::byte> contents)
    : fd_{base::RequireNonNegative(::memfd_create("fuzz", MFD_CLOEXEC), "memfd_create")} {
    const ssize_t written = ::write(fd_.Get(), contents.data(), contents.size());
    if (written != static_cast<ssize_t>(contents.size()))
        base::ThrowError(EIO, "write to a memfd");
}

std::string MemoryFile::Path() const {
    return "/proc/self/fd/" + std::to_string(fd_.Get());
}

}  // namespace shmd::fuzz
