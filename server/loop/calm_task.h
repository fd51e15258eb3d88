#pragma once

#include <functional>
#include <list>

namespace shmd::loop {

class Loop;

/**
 * Work that the loop does only while few newcomers wait for their users' turns: to accept
 * one more connection. Newcomers are connections that have not said hello, and those that
 * are being closed. Messages of other connections do not count, because many of them may
 * wait at any time.
 *
 * Thread: loop.
 */
class CalmTask {
  public:
    /** @param run  may destroy this. Errors: std::bad_alloc. */
    CalmTask(Loop& loop, std::function<void()> run);
    CalmTask(const CalmTask&) = delete;
    CalmTask& operator=(const CalmTask&) = delete;
    ~CalmTask();

    /** Run once, when the loop is calm; asking again before that changes nothing. */
    void Request() noexcept;

    /** Not to run until it is requested again. */
    void Cancel() noexcept;

  private:
    friend class Loop;

    /** For the loop alone. May destroy this. */
    void Run();

    Loop& loop_;
    std::function<void()> run_;
    std::list<CalmTask*> place_;  // while it does not wait
    std::list<CalmTask*>::iterator at_;
    bool is_waiting_ = false;
};

}  // namespace shmd::loop
