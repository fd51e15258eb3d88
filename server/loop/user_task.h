#pragma once

#include "loop/user_queue.h"

#include <sys/types.h>
#include <cstdint>
#include <functional>

namespace shmd::loop {

class Loop;

/**
 * Work that one user causes repeatedly, and that the loop does at that user's turn
 * (UserQueue). For example: receive one message and answer it.
 *
 * The user is charged with the processor time that it takes, including the requests that
 * it submits to the kernel.
 */
class UserTask {
  public:
    /** One such run may be the host's fault: time in which it stops us counts as ours. */
    static constexpr int kMostTooDearInARow = 3;
    static constexpr int64_t kTooDearNs = 5'000'000;

    /**
     * @param run      may destroy this
     * @param on_dear  called when so many runs in a row took longer than kTooDearNs,
     *                 which the user's objects in the kernel cause; may destroy this
     * Thread: loop, for everything.  Errors: std::bad_alloc.
     */
    UserTask(Loop& loop, uid_t user, std::function<void()> run,
             std::function<void(int64_t cost_ns)> on_dear);
    UserTask(const UserTask&) = delete;
    UserTask& operator=(const UserTask&) = delete;
    ~UserTask();

    /** Run once, at the user's turn; asking again before that changes nothing. */
    void Request() noexcept;

    /** Not to run until it is requested again. */
    void Cancel() noexcept;

    /** Its connection has said hello, and is no newcomer any more (CalmTask). */
    void SettleIn() noexcept;

    [[nodiscard]] uid_t User() const noexcept { return user_; }

    [[nodiscard]] bool IsOfNewcomer() const noexcept { return place_.is_of_newcomer; }

  private:
    friend class Loop;

    /** For the loop alone: its turn has come. May destroy this. */
    void Run();
    /** For the loop alone: what the last run cost. May destroy this. */
    void OnCost(int64_t cost_ns);

    Loop& loop_;
    uid_t user_;
    std::function<void()> run_;
    std::function<void(int64_t)> on_dear_;
    UserQueue::Place place_{*this};
    bool is_waiting_ = false;
    int too_dear_in_a_row_ = 0;
};

}  // namespace shmd::loop
