#pragma once

#include <atomic>
#include <cstdint>

namespace shmd::testing {

/** The calls of the card double that a fault may hit: bits of Panel::fault_calls. */
enum PanelCall : uint64_t {
    kPointerCall = 1,
    kTransferCall = 2,
    kPrepareCall = 4,
    kStartCall = 8,
};

/**
 * What a test and the card double (pcm_shmdtest.cc) share: a file of these words, which
 * both map. All 0 is a card that works, by the system's clock. Python tests know the
 * order (tests/integration/card_double.py).
 *
 * Thread: any, in any process.
 */
struct Panel {
    using Word = std::atomic<uint64_t>;

    /** The errno that opening it gives; 0: it opens. */
    Word open_error;

    /**
     * The errno that calls number fault_from to fault_until - 1 give, if fault_calls has
     * their bit. ESTRPIPE: the card is suspended by the call, and stays so until it is
     * resumed or prepared. ENODEV: it is gone, for as long as it is open.
     */
    Word fault;
    Word fault_calls;
    Word fault_from;
    Word fault_until;

    /** It knows no resume: only a prepare wakes it. */
    Word cannot_resume;

    /** What one call moves at most; 0: no limit. */
    Word most_frames;
    /** Frames that it holds at most, whatever it says; 0: a buffer. */
    Word room_frames;

    /** Not 0: the card is at `frame`, wherever the system's clock is. */
    Word is_manual;
    Word frame;

    // What the double tells.

    /** Calls so far that a fault may hit. */
    Word calls;
    /** Handles that were asked for, and those that were let go. */
    Word opens;
    Word closes;
    Word prepares;
    Word resumes;
};
static_assert(sizeof(Panel) == 15 * 8 && Panel::Word::is_always_lock_free);

}  // namespace shmd::testing
