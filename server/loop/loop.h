#pragma once

#include "loop/uring.h"
#include "loop/user_queue.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <vector>

namespace shmd::loop {

class CalmTask;
class Operation;
class Timer;
class UserTask;

/**
 * The control thread's event loop: one io_uring, turn after turn.
 *
 *     turn = submit and wait (one system call) ─► dispatch completions
 *            ─► tasks, in turn by user (UserTask) ─► deferred functions
 *            ─► what waits until few newcomers are left (CalmTask)
 *
 * Work whose cost a client can raise is done in a UserTask. Tasks run until a time slice
 * is over; then completions are dispatched again.
 *
 * Objects that use the loop (Acceptor, Receiver, Sender, Timer, watches, UserTask) must
 * be destroyed before it. That may be at any time, even inside their own callback. The
 * destructor waits until the kernel has finished all cancelled requests.
 *
 * An exception of a callback propagates out of RunOnce; the loop stays usable.
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

    /** Run turns until Stop(). If Stop() was called before, return at once. */
    void Run();

    /** End Run() after this turn. */
    void Stop() noexcept { stop_ = true; }

    /**
     * One turn. Waits for a completion, unless tasks or deferred functions wait to run.
     * @pre something is in flight, requested or deferred, else it waits for ever.
     */
    void RunOnce();

    /**
     * Run `function` at the end of this turn (or of the next, from outside a turn or from
     * a deferred function): the place to destroy an object whose method is on the stack.
     * A function that has not run when the loop is destroyed is never run.
     */
    void Defer(std::function<void()> function);

    /** Operations that the kernel has not finished with. */
    [[nodiscard]] size_t InFlight() const noexcept { return in_flight_; }

    /** io_uring_enter calls so far, for statistics. */
    [[nodiscard]] uint64_t EnterCalls() const noexcept { return ring_.EnterCalls(); }

    /** Whether the kernel granted what was asked for. */
    [[nodiscard]] UringMode Mode() const noexcept { return ring_.Mode(); }

    /** After this time in users' tasks, completions are dispatched again. */
    static constexpr int64_t kTaskSliceNs = 1'000'000;
    /** A loop is calm while fewer newcomers than this wait: about one slice of work. */
    static constexpr size_t kMostNewcomers = 64;

  private:
    friend class CalmTask;
    friend class Operation;
    friend class UserTask;

    void Turn(unsigned wait_for);
    bool TryPop(Completion& completion) noexcept;
    void CompleteNow(Operation& operation);
    [[nodiscard]] bool HasTaskAt(int64_t now_ns);
    void RunTasks();
    int64_t RunTask(UserTask& task);
    void RunCalmTask();
    void RunDeferred();

    Uring ring_;
    // Taken from the ring by CompleteNow, and not dispatched yet; never grows.
    std::vector<Completion> set_aside_;
    size_t first_set_aside_ = 0;
    UserQueue tasks_;
    std::unique_ptr<Timer> next_task_;  // when one may run again
    std::list<CalmTask*> calm_tasks_;
    UserTask* running_task_ = nullptr;  // nullptr too when it has destroyed itself
    std::deque<std::function<void()>> deferred_;
    size_t in_flight_ = 0;
    bool stop_ = false;
};

}  // namespace shmd::loop
