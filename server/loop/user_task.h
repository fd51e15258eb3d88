#pragma once

#include "loop/user_queue.h"

#include <sys/types.h>
#include <cstdint>
#include <functional>

namespace shmd::loop {

class Loop;

/**
 * A piece of work that one user causes again and again, and that the loop does when it is
 * that user's turn (UserQueue): receive one message and answer it, say.
 *
 * The processor time that it takes, with the requests that it makes of the kernel, is
 * charged to the user.
 */
class UserTask {
  public:
    /** One alone may be the machine's fault: a host that stops it counts as our time. */
    static constexpr int kMostDearInARow = 3;

    /**
     * @param run      may destroy this
     * @param on_dear  called when so many runs after each other were dear: the user's
     *                 objects in the kernel make them so; may destroy this
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

    /** It is no newcomer's any more (CalmTask): one whose connection has said hello. */
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
    int dear_in_a_row_ = 0;
};

}  // namespace shmd::loop
