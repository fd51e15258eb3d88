#pragma once

#include <cstddef>

namespace shmd::session {

/**
 * Address space that is kept free for the time when memory runs out: refusing, dropping,
 * and making a plan without a stream still find some.
 *
 *     there ── operator new finds no memory (any thread) ──► spent
 *     spent ── TryKeep, when memory is there again ────────► there
 *
 * While it is spent, Accounts grants nothing more, so the next request cannot use it up.
 *
 * One at a time in a process: it is the process's new-handler. Thread: loop; the handler
 * runs on any thread but the audio thread, which does not allocate.
 */
class MemoryReserve {
  public:
    /** All that the work of one turn of the loop allocates, and more. */
    static constexpr size_t kBytes = size_t{2} << 20;

    MemoryReserve();
    MemoryReserve(const MemoryReserve&) = delete;
    MemoryReserve& operator=(const MemoryReserve&) = delete;
    ~MemoryReserve();

    /** Make a spent reserve again, if there is memory. @return whether it is there */
    [[nodiscard]] bool TryKeep() noexcept;
};

}  // namespace shmd::session
