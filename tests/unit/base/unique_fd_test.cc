#include "base/unique_fd.h"

#include "tests/support/fd_checked_test.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <cerrno>

namespace shmd::base {
namespace {

using UniqueFdTest = test::FdCheckedTest;

bool IsOpen(int fd) {
    return ::fcntl(fd, F_GETFD) >= 0;
}

UniqueFd OpenNull() {
    return UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
}

TEST_F(UniqueFdTest, ClosesWhatItOwns) {
    int raw = -1;
    {
        const UniqueFd fd = OpenNull();
        raw = fd.Get();
        EXPECT_TRUE(IsOpen(raw));
    }
    EXPECT_FALSE(IsOpen(raw));
}

TEST_F(UniqueFdTest, GivesItsDescriptorAwayByMoving) {
    UniqueFd from = OpenNull();
    const int raw = from.Get();
    const UniqueFd to{std::move(from)};
    EXPECT_EQ(to.Get(), raw);
    EXPECT_TRUE(IsOpen(raw));
}

TEST_F(UniqueFdTest, ClosesTheOldOneWhenItIsAssigned) {
    UniqueFd fd = OpenNull();
    const int old = fd.Get();
    UniqueFd next = OpenNull();
    fd = std::move(next);
    EXPECT_FALSE(IsOpen(old));
    EXPECT_TRUE(fd);
}

TEST_F(UniqueFdTest, ReleasesWithoutClosing) {
    UniqueFd fd = OpenNull();
    const UniqueFd other{fd.Release()};
    EXPECT_FALSE(fd);
    EXPECT_TRUE(IsOpen(other.Get()));
}

TEST_F(UniqueFdTest, KeepsErrnoWhenItCloses) {
    UniqueFd fd = OpenNull();
    errno = ENOTTY;
    fd.Reset();
    EXPECT_EQ(errno, ENOTTY);
}

}  // namespace
}  // namespace shmd::base
