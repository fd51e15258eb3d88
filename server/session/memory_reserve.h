#pragma once

#include <cstddef>

namespace shmd::session {

/**
 * Address space that is kept free, so that what has to be done when memory ends
 * (refusing, dropping, making a plan without a stream) still finds some.
 *
 *     there ── operator new finds no memory (any thread) ──► spent
 *     spent ── TryKeep, when memory is there again ────────► there
 *
 * While it is spent nothing is granted that needs more (Accounts), so what is spent is
 * not used up by the next request.
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

    /** Whether it is there. A spent one is made again first, where there is memory. */
    [[nodiscard]] bool TryKeep() noexcept;
};

}  // namespace shmd::session
