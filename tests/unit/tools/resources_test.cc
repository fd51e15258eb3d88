#include "tools/shmd-run/resources.h"

#include "base/unique_fd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>
#include <string>
#include <vector>

namespace shmd::run {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr size_t kSizeBytes = 4096;

base::UniqueFd MakeMemfd(const char* name) {
    base::UniqueFd fd{memfd_create(name, MFD_CLOEXEC)};
    EXPECT_EQ(ftruncate(fd.Get(), kSizeBytes), 0);
    return fd;
}

std::vector<std::string> HeldSince(const Resources& before) {
    return Resources::Of(getpid()).BeyondThose(before);
}

TEST(Resources, HoldNothingNewWhenNothingHappened) {
    const auto before = Resources::Of(getpid());
    EXPECT_THAT(HeldSince(before), IsEmpty());
}

TEST(Resources, TellOfADescriptorAndForgetItOnceItIsClosed) {
    const auto before = Resources::Of(getpid());
    base::UniqueFd fd = MakeMemfd("leaked");
    EXPECT_THAT(HeldSince(before), ElementsAre("1 x fd /memfd:leaked (deleted)"));
    fd.Reset();
    EXPECT_THAT(HeldSince(before), IsEmpty());
}

TEST(Resources, CountDescriptorsOfOneName) {
    const base::UniqueFd first = MakeMemfd("pool");
    const auto before = Resources::Of(getpid());
    const base::UniqueFd second = MakeMemfd("pool");
    const base::UniqueFd third = MakeMemfd("pool");
    EXPECT_THAT(HeldSince(before), ElementsAre("2 x fd /memfd:pool (deleted)"));
}

TEST(Resources, TellOfAMappingWhoseDescriptorIsClosed) {
    const auto before = Resources::Of(getpid());
    base::UniqueFd fd = MakeMemfd("mapped");
    void* address = mmap(nullptr, kSizeBytes, PROT_READ, MAP_SHARED, fd.Get(), 0);
    ASSERT_NE(address, MAP_FAILED);
    fd.Reset();
    EXPECT_THAT(HeldSince(before), ElementsAre("1 x mapping /memfd:mapped (deleted)"));
    munmap(address, kSizeBytes);
    EXPECT_THAT(HeldSince(before), IsEmpty());
}

TEST(Resources, DoNotTellOfWhatIsGone) {
    base::UniqueFd fd = MakeMemfd("gone");
    const auto before = Resources::Of(getpid());
    fd.Reset();
    EXPECT_THAT(HeldSince(before), IsEmpty());
}

TEST(ProcessesWith, FindNobodyWithAVariableThatNobodyHas) {
    EXPECT_THAT(ProcessesWith("SHMD_SOCKET=/nobody/has/this"), IsEmpty());
}

}  // namespace
}  // namespace shmd::run
