#include "loop/signal.h"

#include "loop_fixture.h"

#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <memory>
#include <system_error>

namespace shmd::loop {
namespace {

/** Gives the thread its signal mask back. */
class SignalTest : public LoopTest {
  protected:
    SignalTest() { pthread_sigmask(SIG_SETMASK, nullptr, &mask_before_); }
    ~SignalTest() override { pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr); }

  private:
    sigset_t mask_before_{};
};
SHMD_IN_BOTH_MODES(SignalTest);

TEST_P(SignalTest, SignalsAreToldInsteadOfKilling) {
    std::vector<int> told;
    SignalWatch watch{
        TheLoop(), {SIGUSR1, SIGTERM}, [&](int signo) { told.push_back(signo); }};
    kill(getpid(), SIGUSR1);
    kill(getpid(), SIGTERM);
    ASSERT_TRUE(RunUntil([&] { return told.size() == 2; }));
    std::ranges::sort(told);
    EXPECT_EQ(told, (std::vector{SIGUSR1, SIGTERM}));
}

TEST_P(SignalTest, ASignalToTheThreadIsToldToo) {
    int told = 0;
    SignalWatch watch{TheLoop(), {SIGUSR2}, [&](int signo) { told = signo; }};
    RunFor(base::kNsPerMs);  // the read waits in the kernel
    raise(SIGUSR2);
    ASSERT_TRUE(RunUntil([&] { return told != 0; }));
    EXPECT_EQ(told, SIGUSR2);
}

TEST_P(SignalTest, ItGoesOnAfterEachSignal) {
    int calls = 0;
    SignalWatch watch{TheLoop(), {SIGUSR1}, [&](int) { ++calls; }};
    for (int i = 1; i <= 20; ++i) {
        kill(getpid(), SIGUSR1);
        ASSERT_TRUE(RunUntil([&] { return calls == i; }));
    }
}

TEST_P(SignalTest, AnIdleWatchCostsNoTurn) {
    SignalWatch watch{TheLoop(), {SIGUSR1}, [](int) {}};
    const uint64_t before = TheLoop().EnterCalls();
    RunFor(20 * base::kNsPerMs);
    EXPECT_LE(TheLoop().EnterCalls() - before, 3U);
}

TEST_P(SignalTest, SignalsStayBlockedAfterTheWatch) {
    {
        SignalWatch watch{TheLoop(), {SIGUSR1}, [](int) {}};
    }
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    EXPECT_EQ(sigismember(&mask, SIGUSR1), 1);
}

TEST_P(SignalTest, ItsCallbackMayDestroyIt) {
    int calls = 0;
    std::unique_ptr<SignalWatch> watch;
    watch = std::make_unique<SignalWatch>(TheLoop(), std::initializer_list<int>{SIGUSR1},
                                          [&](int) {
                                              watch.reset();
                                              ++calls;
                                          });
    kill(getpid(), SIGUSR1);
    EXPECT_TRUE(RunUntil([&] { return calls == 1; }));
}

TEST_P(SignalTest, ANumberThatIsNoSignalIsRefused) {
    EXPECT_THROW((SignalWatch{TheLoop(), {1000}, [](int) {}}), std::system_error);
}

}  // namespace
}  // namespace shmd::loop
