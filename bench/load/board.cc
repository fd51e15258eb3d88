#include "bench/load/board.h"

#include <sys/mman.h>
#include <cerrno>
#include <new>
#include <system_error>

namespace shmd::bench {

Board::Board(uint32_t writers) : size_bytes_{sizeof(Head) + writers * sizeof(Slot)} {
    void* memory = mmap(nullptr, size_bytes_, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw std::system_error{errno, std::system_category(), "mmap"};
    head_ = new (memory) Head;
    auto* slots = reinterpret_cast<Slot*>(head_ + 1);
    for (uint32_t i = 0; i < writers; ++i)
        new (slots + i) Slot;
    slots_ = {slots, writers};
}

Board::~Board() {
    munmap(head_, size_bytes_);
}

}  // namespace shmd::bench
