#pragma once

#include <latch>
#include <thread>
#include <utility>

namespace shmd::test {

/**
 * Run `here` on the calling thread and `there` on another, beginning at the same time;
 * return when both have. For tests that ThreadSanitizer watches.
 */
template <typename Here, typename There>
void RunTogether(Here here, There there) {
    std::latch start{2};
    std::thread other{[&] {
        start.arrive_and_wait();
        there();
    }};
    start.arrive_and_wait();
    here();
    other.join();
}

/** Let the other thread go on, until `condition` holds. */
template <typename Condition>
void YieldUntil(Condition condition) {
    while (!condition())
        std::this_thread::yield();
}

}  // namespace shmd::test
