#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "loop/loop.h"
#include "loop/timer.h"

#include <gtest/gtest.h>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace shmd::loop {

/** Descriptors that this process has open. */
inline long OpenFds() {
    return std::distance(std::filesystem::directory_iterator{"/proc/self/fd"}, {});
}

/**
 * A loop, in both modes, and a check that whatever the test did left no descriptor open,
 * the loop's own included. Handles are local to the test: they go before the loop.
 */
class LoopTest : public testing::TestWithParam<UringMode> {
  protected:
    LoopTest() : fds_before_{OpenFds()}, loop_{std::in_place, GetParam()} {}

    void TearDown() override {
        loop_.reset();
        EXPECT_EQ(OpenFds(), fds_before_) << "descriptors have leaked";
    }

    Loop& TheLoop() { return *loop_; }

    /** Turn until `condition` holds, for 10 seconds at most. @return whether it held. */
    [[nodiscard]] bool RunUntil(const std::function<bool()>& condition) {
        bool late = false;
        Timer deadline{*loop_, [&] { late = true; }};
        deadline.ArmAtNs(NowNs() + 10 * base::kNsPerSecond);
        while (!late && !condition())
            loop_->RunOnce();
        return condition();
    }

    /** Turn until `duration_ns` have passed: for what must not happen in that time. */
    void RunFor(int64_t duration_ns) {
        bool over = false;
        Timer timer{*loop_, [&] { over = true; }};
        timer.ArmAtNs(NowNs() + duration_ns);
        while (!over)
            loop_->RunOnce();
    }

    /** A turn that does not wait: afterwards the kernel knows what was queued. */
    void SubmitQueued() {
        loop_->Defer([] {});
        loop_->RunOnce();
    }

    static int64_t NowNs() { return base::SystemClock{}.NowNs(); }

    /** Descriptors that were open before the loop. */
    [[nodiscard]] long FdsBefore() const { return fds_before_; }

    void DestroyLoop() { loop_.reset(); }

  private:
    long fds_before_;
    std::optional<Loop> loop_;
};

inline std::string ModeName(const testing::TestParamInfo<UringMode>& mode) {
    return mode.param == UringMode::kPreferred ? "Preferred" : "Plain";
}

}  // namespace shmd::loop

/** Run the tests of `suite` on a ring with, and on one without, the newer set-up flags.
 */
#define SHMD_IN_BOTH_MODES(suite)                                               \
    INSTANTIATE_TEST_SUITE_P(Uring, suite,                                      \
                             testing::Values(shmd::loop::UringMode::kPreferred, \
                                             shmd::loop::UringMode::kPlain),    \
                             shmd::loop::ModeName)
