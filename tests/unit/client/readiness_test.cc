#include "client/readiness.h"

#include "base/clock.h"
#include "tests/support/fd_checked_test.h"
#include "tests/unit/loop/sockets.h"

#include <poll.h>

namespace shmd::client {
namespace {

class ReadinessTest : public test::FdCheckedTest {
  protected:
    ReadinessTest() : pair_{loop::SocketPair()}, readiness_{pair_.first.Get()} {}

    [[nodiscard]] bool IsReadable() const {
        pollfd poll{readiness_.PollFd(), POLLIN, 0};
        return ::poll(&poll, 1, 0) == 1;
    }

    std::pair<base::UniqueFd, base::UniqueFd> pair_;
    Readiness readiness_;
};

TEST_F(ReadinessTest, IsNotReadableAtFirst) {
    EXPECT_FALSE(IsReadable());
}

TEST_F(ReadinessTest, IsReadableFromRaisingToLowering) {
    readiness_.Raise();
    EXPECT_TRUE(IsReadable());
    EXPECT_TRUE(IsReadable());
    readiness_.Lower();
    EXPECT_FALSE(IsReadable());
}

TEST_F(ReadinessTest, IsLoweredOnceHoweverOftenItWasRaised) {
    readiness_.Raise();
    readiness_.Raise();
    readiness_.Lower();
    EXPECT_FALSE(IsReadable());
    readiness_.Lower();
    EXPECT_EQ(readiness_.RaisedAtNs(), base::kNever);
}

TEST_F(ReadinessTest, IsReadableWhenItsTimeHasComeAndNotBefore) {
    const int64_t now_ns = base::SystemClock{}.NowNs();
    readiness_.RaiseAt(now_ns + 1000 * base::kNsPerSecond);
    EXPECT_FALSE(IsReadable());
    readiness_.RaiseAt(now_ns + 2 * base::kNsPerMs);
    pollfd poll{readiness_.PollFd(), POLLIN, 0};
    ASSERT_EQ(::poll(&poll, 1, 10'000), 1);
    EXPECT_GE(base::SystemClock{}.NowNs(), now_ns + 2 * base::kNsPerMs);
    readiness_.RaiseAt(now_ns + 1000 * base::kNsPerSecond);
    EXPECT_FALSE(IsReadable());
}

TEST_F(ReadinessTest, IsReadableWhileTheSocketHasAMessage) {
    ASSERT_TRUE(loop::SendNow(pair_.second, "wake"));
    EXPECT_TRUE(IsReadable());
    readiness_.Lower();
    EXPECT_TRUE(IsReadable());
    EXPECT_EQ(loop::ReceiveNow(pair_.first), "wake");
    EXPECT_FALSE(IsReadable());
}

TEST_F(ReadinessTest, IsReadableWhenTheServerIsGone) {
    pair_.second.Reset();
    EXPECT_TRUE(IsReadable());
}

TEST_F(ReadinessTest, IsReadableAgainAndAgainWhileThereIsNoConnection) {
    pair_.second.Reset();
    readiness_.WatchTime(pair_.first.Get(), base::kNsPerMs);
    pair_.first.Reset();
    for (int tries = 0; tries < 3; ++tries) {
        pollfd poll{readiness_.PollFd(), POLLIN, 0};
        ASSERT_EQ(::poll(&poll, 1, 10'000), 1);
        readiness_.Lower();
    }
}

TEST_F(ReadinessTest, FollowsTheSocketOfTheNextConnection) {
    readiness_.WatchTime(pair_.first.Get(), base::kNsPerMs);
    pair_ = loop::SocketPair();
    readiness_.WatchSocket(pair_.first.Get());
    readiness_.ForgetTime();
    EXPECT_FALSE(IsReadable());
    readiness_.Raise();
    EXPECT_TRUE(IsReadable());
    readiness_.Lower();
    EXPECT_FALSE(IsReadable());
    ASSERT_TRUE(loop::SendNow(pair_.second, "wake"));
    EXPECT_TRUE(IsReadable());
}

}  // namespace
}  // namespace shmd::client
