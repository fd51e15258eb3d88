#pragma once

#include <cstddef>
#include <memory>

namespace shmd::audio {

/** What holds objects of the resampler's library. */
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
 * while it computes a table: tens of milliseconds, on a thread of low priority. So it is
 * called by turns, and its mutex is always free:
 *
 * - Threads that make something wait for their turn, in the order in which they came.
 *   However many tables one user asks for on its thread, another waits for one of them.
 * - A thread that destroys something never waits: what it cannot destroy at once it
 *   leaves to the thread that has the turn, or has the next.
 *
 *     LibraryTurn ──► make ──► ~LibraryTurn: destroy what was left ──► the next turn
 *     Destroy ──► leave it ──► nobody has a turn or waits for one: take a turn, end it
 *
 * What this shares itself is locked for a few instructions, never while the library
 * works.
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
     * Make sure that the library will find so much memory in this turn.
     *
     * The library (1.8.0) does not look whether it was given any (posix_memalign), and
     * writes to it; and what its operator new throws leaves its mutex locked for ever. So
     * the memory is asked for here, where a refusal does no harm, and given back for the
     * library to take. In between no other thread makes tables, and what other threads
     * take besides is less than what is asked for on top.
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
