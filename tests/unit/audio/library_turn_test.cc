#include "audio/library_turn.h"

#include "audio/resample.h"
#include "tests/support/allocation_count.h"
#include "tests/support/run_together.h"

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <semaphore>
#include <thread>

namespace shmd::audio {
namespace {

struct Rates {
    uint32_t in_hz;
    uint32_t out_hz;
};

/** One thread makes a resampler and is held up in the middle; another destroys one. */
class LibraryTurnTwoThreads : public ::testing::Test {
  protected:
    static void Make(Rates rates) { const Resampler made{rates.in_hz, rates.out_hz, 2}; }

    static uint64_t Allocations(Rates rates) {
        const uint64_t before = test::AllocationCount();
        Make(rates);
        return test::AllocationCount() - before;
    }

    /** `here` happens while another thread is at its n-th request for memory. */
    template <typename Here>
    static void AtTheNth(uint64_t n, Rates rates, Here here) {
        std::binary_semaphore is_there{0};
        std::binary_semaphore go_on{0};
        std::thread other{[&] {
            const test::AtAllocation stop{n, [&] {
                                              is_there.release();
                                              go_on.acquire();
                                          }};
            Make(rates);
        }};
        is_there.acquire();
        here();
        go_on.release();
        other.join();
    }
};

TEST_F(LibraryTurnTwoThreads, DestroysOneWhileAnotherIsMade) {
    constexpr Rates kMade{44100, 48000};
    const uint64_t allocations = Allocations(kMade);
    EXPECT_GT(allocations, 4U);
    for (uint64_t n = 1; n <= allocations; ++n) {
        std::optional<Resampler> resampler{std::in_place, 48000, 44100, 2};
        AtTheNth(n, kMade, [&] { resampler.reset(); });
    }
}

TEST_F(LibraryTurnTwoThreads, DestroysAtTheEndOfATurnWhatWasLeftInIt) {
    constexpr Rates kMade{44100, 48000};
    struct Counted final : MadeByLibrary {
        explicit Counted(int& destroyed) : destroyed_{destroyed} {}
        ~Counted() override { ++destroyed_; }
        int& destroyed_;
    };
    int destroyed = 0;
    AtTheNth(Allocations(kMade), kMade, [&] {
        for (int i = 0; i < 1000; ++i)
            LibraryTurn::Destroy(std::make_unique<Counted>(destroyed));
        EXPECT_EQ(destroyed, 0);
    });
    EXPECT_EQ(destroyed, 1000);
    LibraryTurn::Destroy(std::make_unique<Counted>(destroyed));
    EXPECT_EQ(destroyed, 1001);
}

TEST_F(LibraryTurnTwoThreads, MakesAndDestroysOnManyThreads) {
    const auto make_some = [] {
        for (uint32_t i = 0; i < 50; ++i)
            Make({44100, 48000 + i % 3});
    };
    test::RunTogether(make_some, make_some);
}

}  // namespace
}  // namespace shmd::audio
