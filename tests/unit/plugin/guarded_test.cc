#include "plugin/guarded.h"

#include <gtest/gtest.h>
#include <stdexcept>

namespace shmd::plugin {
namespace {

int CancelState() {
    int state = 0;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_setcancelstate(state, nullptr);
    return state;
}

TEST(Guarded, ReturnsWhatItsBodyReturns) {
    EXPECT_EQ(Guarded([] { return 7; }), 7);
}

TEST(Guarded, MakesItsErrnoOfASystemError) {
    const auto body = []() -> long {
        throw std::system_error{EBUSY, std::generic_category()};
    };
    EXPECT_EQ(Guarded(body), -EBUSY);
}

TEST(Guarded, MakesEnomemOfAFailedAllocation) {
    EXPECT_EQ(Guarded([]() -> int { throw std::bad_alloc{}; }), -ENOMEM);
}

TEST(Guarded, MakesEioOfAnyOtherException) {
    EXPECT_EQ(Guarded([]() -> int { throw std::runtime_error{"odd"}; }), -EIO);
    EXPECT_EQ(Guarded([]() -> int { throw 1; }), -EIO);
}

TEST(Guarded, ReturnsNullWhereAPointerIsWanted) {
    EXPECT_EQ(Guarded([]() -> int* { throw std::bad_alloc{}; }), nullptr);
}

TEST(Guarded, KeepsAThreadFromBeingCancelledInsideOnly) {
    EXPECT_EQ(Guarded(CancelState), PTHREAD_CANCEL_DISABLE);
    EXPECT_EQ(CancelState(), PTHREAD_CANCEL_ENABLE);
}

TEST(Guarded, LeavesCancellationOffWhereItsCallerHasTurnedItOff) {
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, nullptr);
    Guarded([] { return 0; });
    EXPECT_EQ(CancelState(), PTHREAD_CANCEL_DISABLE);
    pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, nullptr);
}

}  // namespace
}  // namespace shmd::plugin
