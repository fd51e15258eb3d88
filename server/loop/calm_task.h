#pragma once

#include <functional>
#include <list>

namespace shmd::loop {

class Loop;

/**
 * What the loop does only while few newcomers wait for their users' turns: accept one
 * more connection, that is. Newcomers are the connections that have not said hello, and
 * those that are being closed. What connections that have settled in send does not count:
 * there may be as much of it at all times.
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
