#include "bench/floor/ring.h"

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cerrno>
#include <new>
#include <system_error>

namespace shmd::bench {

Ring::Ring(uint32_t frames)
    : frames_{frames},
      size_bytes_{sizeof(Head) + size_t{frames} * kFrameBytes},
      event_fd_{eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)} {
    if (event_fd_ < 0) throw std::system_error{errno, std::system_category(), "eventfd"};
    void* memory = mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw std::system_error{errno, std::system_category(), "mmap"};
    head_ = new (memory) Head;
    samples_ = reinterpret_cast<int16_t*>(head_ + 1);
}

Ring::~Ring() {
    munmap(head_, size_bytes_);
    close(event_fd_);
}

}  // namespace shmd::bench
