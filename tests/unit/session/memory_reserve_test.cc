#include "session/memory_reserve.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <fstream>
#include <memory>
#include <vector>

namespace shmd::session {
namespace {

/** Address space of this process as it is now, and no more, until it is destroyed. */
class NoMoreMemory {
  public:
    NoMoreMemory() {
        ::getrlimit(RLIMIT_AS, &before_);
        uint64_t pages = 0;
        std::ifstream{"/proc/self/statm"} >> pages;
        rlimit now = before_;
        now.rlim_cur = pages * 4096;
        ::setrlimit(RLIMIT_AS, &now);
    }
    NoMoreMemory(const NoMoreMemory&) = delete;
    NoMoreMemory& operator=(const NoMoreMemory&) = delete;
    ~NoMoreMemory() { ::setrlimit(RLIMIT_AS, &before_); }

  private:
    rlimit before_{};
};

/** Large enough that malloc asks the kernel for each. */
using Block = std::vector<char>;
constexpr size_t kBlockBytes = 256 * 1024;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SKIP_UNDER_SANITIZERS GTEST_SKIP() << "a sanitizer's operator new has no handler"
#else
#define SKIP_UNDER_SANITIZERS static_cast<void>(0)
#endif

/** Blocks until `is_enough`; what malloc has left over from before goes first. */
template <typename Condition>
std::vector<Block> Take(Condition is_enough) {
    std::vector<Block> blocks;
    blocks.reserve(4096);
    while (blocks.size() < 4096 && !is_enough())
        blocks.emplace_back(kBlockBytes);
    return blocks;
}

TEST(MemoryReserve, IsThereForWhatFindsNoMemory) {
    SKIP_UNDER_SANITIZERS;
    MemoryReserve reserve;
    const NoMoreMemory end;
    std::vector<Block> blocks;
    EXPECT_NO_THROW(blocks = Take([&] { return !reserve.TryKeep(); }));
    EXPECT_FALSE(reserve.TryKeep());
    EXPECT_THROW(Take([] { return false; }), std::bad_alloc);
}

TEST(MemoryReserve, IsKeptAgainWhenThereIsMemory) {
    SKIP_UNDER_SANITIZERS;
    MemoryReserve reserve;
    {
        const NoMoreMemory end;
        const auto blocks = Take([&] { return !reserve.TryKeep(); });
        EXPECT_FALSE(reserve.TryKeep());
    }
    EXPECT_TRUE(reserve.TryKeep());
}

TEST(MemoryReserve, LeavesTheProcessAsItWas) {
    const auto before = std::get_new_handler();
    { const MemoryReserve reserve; }
    EXPECT_EQ(std::get_new_handler(), before);
}

}  // namespace
}  // namespace shmd::session
