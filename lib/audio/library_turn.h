#pragma once

#include <cstddef>
#include <memory>

namespace shmd::audio {

/** Owns objects of the resampler's library. */
class MadeByLibrary {
  public:
    MadeByLibrary() = default;
    MadeByLibrary(const MadeByLibrary&) = delete;
    MadeByLibrary& operator=(const MadeByLibrary&) = delete;
    virtual ~MadeByLibrary() = default;

  private:
    friend class LibraryTurn;
    std::unique_ptr<MadeByLibrary> next_left_;
};

/**
 * The turn to make objects of the resampler's library, from construction to destruction.
 *
 * The library shares its tables through one list, under one mutex, and holds that mutex
 * while it computes a table: tens of milliseconds, on a thread of low priority. So
 * threads call it by turns, and its mutex is always free:
 *
 * - Threads that make something wait for their turn, in the order in which they came.
 *   However many tables one user's thread makes, another user waits for one of them.
 * - A thread that destroys something never waits: what it cannot destroy at once it
 *   leaves to the thread that has the turn, or has the next.
 *
 *     LibraryTurn ──► make ──► ~LibraryTurn: destroy what was left ──► the next turn
 *     Destroy ──► leave it ──► no thread has a turn or waits for one: take a turn, end it
 *
 * Its own lock is held for a few instructions, never while the library works.
 *
 * Thread: any but an audio thread; one turn at a time on each.
 */
class LibraryTurn {
  public:
    LibraryTurn();
    LibraryTurn(const LibraryTurn&) = delete;
    LibraryTurn& operator=(const LibraryTurn&) = delete;
    ~LibraryTurn();

    /**
     * Make sure that the library will find `bytes` of memory in this turn.
     *
     * The library (1.8.0) does not check the result of posix_memalign before it writes,
     * and if its operator new throws, its mutex stays locked for ever. So this allocates
     * the memory, where a failure does no harm, and frees it for the library to take.
     * Meanwhile no other thread makes tables; the reserve on top is for what other
     * threads allocate.
     *
     * Errors: std::bad_alloc.
     */
    void RequireMemory(size_t bytes) const;

    /** Destroy it, now or at the end of another thread's turn. Never waits. */
    static void Destroy(std::unique_ptr<MadeByLibrary> made) noexcept;

  private:
    struct Shared;
    static Shared& TheShared() noexcept;
    static void End() noexcept;
};

}  // namespace shmd::audio
