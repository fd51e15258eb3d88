#include "loop/uring.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <thread>

namespace shmd::loop {
namespace {

/** In this process io_uring_setup fails with `error` from now on. */
void ForbidIoUring(unsigned error) {
    sock_filter program[] = {
        {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
        {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_io_uring_setup},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | error},
        {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
    };
    const sock_fprog filter{4, program};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0)
        std::exit(100);
}

/** Ends the process with the errno that the constructor throws, 0 for none. */
[[noreturn]] void ExitWithTheErrorOfConstruction(unsigned forbidden_with) {
    ForbidIoUring(forbidden_with);
    try {
        const Uring ring;
    } catch (const std::system_error& error) {
        std::fputs(error.what(), stderr);
        std::_Exit(error.code().value());
    }
    std::_Exit(0);
}

TEST(UringDeathTest, IoUringForbiddenByAPolicyIsThrownWithItsErrno) {
    EXPECT_EXIT(ExitWithTheErrorOfConstruction(EPERM), testing::ExitedWithCode(EPERM),
                "io_uring_setup");
}

TEST(UringDeathTest, IoUringMissingFromTheKernelIsThrownWithItsErrno) {
    EXPECT_EXIT(ExitWithTheErrorOfConstruction(ENOSYS), testing::ExitedWithCode(ENOSYS),
                "io_uring_setup");
}

TEST(Uring, TheModeThatWasAskedForIsGrantedByThisKernelOrReplacedByPlain) {
    EXPECT_EQ(Uring{UringMode::kPlain}.Mode(), UringMode::kPlain);
    Uring preferred;
    io_uring_prep_nop(&preferred.NextRequest());
    preferred.SubmitAndWait(1);
    Completion completion;
    EXPECT_TRUE(preferred.TryPop(completion));
    EXPECT_EQ(completion.result, 0);
    EXPECT_FALSE(preferred.TryPop(completion));
}

TEST(Uring, AnotherThreadIsRefusedInsteadOfCorruptingTheRing) {
    Uring ring;
    if (ring.Mode() != UringMode::kPreferred)
        GTEST_SKIP() << "this kernel has no IORING_SETUP_SINGLE_ISSUER";
    int error = 0;
    std::thread other{[&] {
        io_uring_prep_nop(&ring.NextRequest());
        try {
            ring.SubmitAndWait(0);
        } catch (const std::system_error& refused) {
            error = refused.code().value();
        }
    }};
    other.join();
    EXPECT_NE(error, 0);
}

TEST(Uring, OnlyWhatTheKernelHasNotSeenIsFoundInTheQueue) {
    Uring ring;
    io_uring_sqe& request = ring.NextRequest();
    io_uring_prep_nop(&request);
    request.user_data = 42;
    EXPECT_EQ(ring.FindQueued(42), &request);
    EXPECT_EQ(ring.FindQueued(43), nullptr);
    ring.SubmitAndWait(1);
    EXPECT_EQ(ring.FindQueued(42), nullptr);
}

TEST(Uring, RequestsBeyondTheQueueAreSubmittedNotLost) {
    Uring ring;
    constexpr uint64_t kMany = 3 * Uring::kSubmissionEntries + 1;
    for (uint64_t i = 1; i <= kMany; ++i) {
        io_uring_sqe& request = ring.NextRequest();
        io_uring_prep_nop(&request);
        request.user_data = i;
    }
    EXPECT_EQ(ring.EnterCalls(), 3U);
    ring.SubmitAndWait(1);
    Completion completion;
    for (uint64_t i = 1; i <= kMany; ++i) {
        ASSERT_TRUE(ring.TryPop(completion));
        EXPECT_EQ(completion.user_data, i);
    }
    EXPECT_FALSE(ring.TryPop(completion));
}

}  // namespace
}  // namespace shmd::loop
