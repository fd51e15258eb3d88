#pragma once

#include <sys/types.h>
#include <cstddef>
#include <cstdint>
#include <list>
#include <unordered_map>

namespace shmd::loop {

class UserTask;

/**
 * Tasks that wait for the loop, in turn by user: next is the user for whom the loop has
 * worked least, and of that user's tasks the one that has waited longest.
 *
 * A user's account is the processor time of its tasks. A user whose tasks did not wait
 * begins where the others are: it has saved up nothing. So a user who asks for little
 * waits for one task of another, however many the others have queued. A user whose pause
 * is over begins like a new user.
 *
 * Dear tasks may take a user's kDearBurstNs, and beyond that 1/kPauseFactor of the time:
 * the user pauses, so that others find the loop free in between. The backlog waits for
 * the tasks of newcomers (CalmTask), so shorter tasks of theirs are dear already.
 *
 * Thread: loop.
 */
class UserQueue {
  public:
    /** A task's place: made with the task, so that waiting never allocates. */
    struct Place {
        explicit Place(UserTask& task) : own{&task}, at{own.begin()} {}
        std::list<UserTask*> own;  // the place, while the task does not wait
        std::list<UserTask*>::iterator at;
        bool is_of_newcomer = true;  // changes only while it does not wait
    };

    /** Longer than any honest task takes, by two orders of magnitude. A request of
     * another user waits for one task at each of its steps. */
    static constexpr int64_t kDearNs = 2'000'000;
    /** The same for a newcomer's task; answering a Hello takes some 100 us. The backlog
     * of one user's crowd moves on by one connection for each such task. */
    static constexpr int64_t kDearForNewcomerNs = 1'000'000;
    /** What an honest user may meet at once: memory that is given back to the kernel, or
     * a host that stops the machine, which counts as our time. */
    static constexpr int64_t kDearBurstNs = 20'000'000;
    static constexpr int64_t kPauseFactor = 10;

    UserQueue() = default;
    UserQueue(const UserQueue&) = delete;
    UserQueue& operator=(const UserQueue&) = delete;

    /** The user has one more task, or one less, waiting or not. Errors of the first:
     * std::bad_alloc. */
    void Register(uid_t user);
    void Unregister(uid_t user) noexcept;

    /** Wait, behind the user's other tasks. @pre registered, and it does not wait */
    void Add(uid_t user, Place& place) noexcept;

    /** Wait no longer. @pre it waits */
    void Remove(uid_t user, Place& place) noexcept;

    /** The next task at `now_ns`, which still waits; nullptr if none may run then. */
    [[nodiscard]] UserTask* Next(int64_t now_ns) noexcept;

    /** When a task that waits may run: 0 for at once, base::kNever if none waits. */
    [[nodiscard]] int64_t NextTimeNs() const noexcept;

    /** Newcomers' tasks that may run at `now_ns`. */
    [[nodiscard]] size_t CountNewcomers(int64_t now_ns) const noexcept;

    /** A task of `user` took `cost_ns` of processor time, until `now_ns`. */
    void Charge(uid_t user, int64_t cost_ns, int64_t now_ns,
                bool is_of_newcomer) noexcept;

    /** Users that are remembered: those with tasks, those that have cost more than the
     * others, and those that would have to pause. */
    [[nodiscard]] size_t Users() const noexcept { return users_.size(); }

  private:
    struct User {
        int64_t spent_ns = 0;
        int64_t dear_ns = 0;  // of dear tasks, less what time has made good
        int64_t dear_at_ns = 0;
        int64_t pause_end_ns = 0;  // 0: none
        size_t registered = 0;
        size_t newcomers = 0;  // of those that wait
        std::list<UserTask*> waiting;
    };

    static void ChargeDear(User& user, int64_t cost_ns, int64_t now_ns) noexcept;
    [[nodiscard]] static int64_t NotMadeGoodNs(const User& user, int64_t now_ns) noexcept;
    void EndPauses(int64_t now_ns) noexcept;
    [[nodiscard]] User* FindNext(int64_t now_ns) noexcept;
    void ForgetIdle() noexcept;

    std::unordered_map<uid_t, User> users_;
    int64_t served_ns_ = 0;  // what the user who was served last had spent before
    int64_t now_ns_ = 0;     // of the last call
};

}  // namespace shmd::loop
