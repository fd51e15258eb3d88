#include "audio/library_turn.h"

#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

namespace shmd::audio {

namespace {

// Allocated on top of what the library needs: more than other threads take meanwhile.
constexpr size_t kSpareBytes = size_t{1} << 20;

}  // namespace

struct LibraryTurn::Shared {
    std::mutex mutex;
    std::condition_variable changed;
    uint64_t next = 0;     // the number of the turn that is taken next
    uint64_t current = 0;  // whose turn it is; the same as `next`: no thread's
    std::unique_ptr<MadeByLibrary> left;
};

LibraryTurn::Shared& LibraryTurn::TheShared() noexcept {
    static Shared shared;
    return shared;
}

LibraryTurn::LibraryTurn() {
    Shared& shared = TheShared();
    std::unique_lock lock{shared.mutex};
    const uint64_t mine = shared.next++;
    shared.changed.wait(lock, [&] { return mine == shared.current; });
}

LibraryTurn::~LibraryTurn() {
    End();
}

void LibraryTurn::End() noexcept {
    Shared& shared = TheShared();
    std::unique_lock lock{shared.mutex};
    while (shared.left != nullptr) {
        std::unique_ptr<MadeByLibrary> left = std::move(shared.left);
        lock.unlock();
        while (left != nullptr)  // one by one: a long list, destroyed at once, recurses
            left = std::unique_ptr<MadeByLibrary>{std::move(left->next_left_)};
        lock.lock();
    }
    ++shared.current;
    shared.changed.notify_all();
}

void LibraryTurn::Destroy(std::unique_ptr<MadeByLibrary> made) noexcept {
    Shared& shared = TheShared();
    {
        const std::lock_guard lock{shared.mutex};
        made->next_left_ = std::move(shared.left);
        shared.left = std::move(made);
        if (shared.next != shared.current) return;
        ++shared.next;
    }
    End();
}

void LibraryTurn::RequireMemory(size_t bytes) const {
    // Not by operator new: its handler may have a reserve, which is for something else.
    // Twice: the first free of a large block returns it to the kernel, and makes glibc
    // keep blocks of that size in the thread's arena from then on (mallopt(3),
    // M_MMAP_THRESHOLD, "dynamic").
    for (int time = 0; time < 2; ++time) {
        // volatile: the compiler would remove an allocation whose memory is not used.
        void* volatile memory = std::malloc(bytes + kSpareBytes);
        if (memory == nullptr) throw std::bad_alloc{};
        std::free(memory);
    }
}

}  // namespace shmd::audio
