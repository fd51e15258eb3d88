#pragma once

#include "loop/uring.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>

namespace shmd::loop {

/**
 * The control thread's event loop: one io_uring, turn after turn.
 *
 *     turn = submit and wait (one system call) ─► dispatch completions ─► deferred
 * functions
 *
 * Everything that is built on it (Acceptor, Receiver, Sender, Timer, watches, BufferPool)
 * is destroyed before it, at any time, also inside its own callback. The destructor then
 * waits until the kernel has let go of all that was cancelled.
 *
 * An exception that a callback throws leaves RunOnce; the loop itself stays usable.
 *
 * Thread: the one that constructed it, for everything. Other threads signal an eventfd
 * that an EventWatch reads.  Realtime: no.
 */
class Loop {
  public:
    /** Errors: std::system_error, as Uring. */
    explicit Loop(UringMode mode = UringMode::kPreferred);
    Loop(const Loop&) = delete;
    Loop& operator=(const Loop&) = delete;
    ~Loop();

    /** Turn until Stop(). A Stop() before it makes it return at once. */
    void Run();

    /** End Run() after this turn. */
    void Stop() noexcept { stop_ = true; }

    /**
     * One turn. Waits for a completion, unless deferred functions are waiting to run.
     * @pre something is in flight or deferred, else it waits for ever.
     */
    void RunOnce();

    /**
     * Run `function` at the end of this turn (or of the next, from outside a turn or from
     * a deferred function): the place to destroy an object whose method is on the stack.
     * What has not run when the loop is destroyed is destroyed without being run.
     */
    void Defer(std::function<void()> function);

    /** Operations that the kernel has not finished with. */
    [[nodiscard]] size_t InFlight() const noexcept { return in_flight_; }

    /** io_uring_enter calls so far, for statistics. */
    [[nodiscard]] uint64_t EnterCalls() const noexcept { return ring_.EnterCalls(); }

    /** Whether the kernel granted what was asked for. */
    [[nodiscard]] UringMode Mode() const noexcept { return ring_.Mode(); }

  private:
    friend class Operation;
    friend class BufferRing;

    void Turn(unsigned wait_for);
    void RunDeferred();

    Uring ring_;
    std::deque<std::function<void()>> deferred_;
    size_t in_flight_ = 0;
    uint16_t next_buffer_group_ = 0;
    bool stop_ = false;
};

}  // namespace shmd::loop
