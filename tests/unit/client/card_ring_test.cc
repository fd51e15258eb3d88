#include "client/card_ring.h"

#include "tests/support/run_together.h"

#include <gtest/gtest.h>
#include <algorithm>
#include <cstring>
#include <memory>

namespace shmd::client {
namespace {

constexpr uint32_t kFrameBytes = 4;

using Frame = uint32_t;

/** A client's pool ring and blocks, and a card's ring, in plain memory. */
struct Rig {
    explicit Rig(uint32_t ring_frames)
        : pool(ring_frames),
          pool_ring{std::as_writable_bytes(std::span{pool}), kFrameBytes, ring_frames},
          memory{shm::Mapping::OfNothing(
              shm::WholePages(size_t{ring_frames} * kFrameBytes))},
          card{reinterpret_cast<Frame*>(memory.Writable().data()), ring_frames},
          ring{1, std::move(memory), kFrameBytes, ring_frames} {}

    /** The client writes one frame after the other, `count` a batch. */
    void Write(uint64_t position, uint32_t count) {
        for (uint64_t f = position; f < position + count; ++f)
            pool[f % pool.size()] = static_cast<Frame>(f + 1);
        ring.Copy(pool_ring, position, count, server, own);
        own.written_frames.store(position + count, std::memory_order_release);
    }
    void Allow(uint32_t serial, uint32_t offset) {
        server.direct.store(wire::DirectPlace{serial, offset}.Pack(),
                            std::memory_order_release);
    }

    std::vector<Frame> pool;
    shm::RingArea<std::byte> pool_ring;
    wire::ServerBlock server{};
    wire::ClientBlock own{};
    shm::Mapping memory;
    std::span<Frame> card;
    CardRing ring;
};

TEST(CardRing, CopiesToThePlaceThatIsNamedAcrossTheEndOfBothRings) {
    Rig rig{8};
    rig.Allow(1, 5);
    rig.Write(6, 4);
    EXPECT_EQ(rig.own.direct_used, 1U);
    EXPECT_EQ(rig.own.direct_from, 6U);
    for (uint64_t f = 6; f < 10; ++f)
        EXPECT_EQ(rig.card[(f + 5) % 8], f + 1);
    EXPECT_EQ(std::ranges::count(rig.card, 0U), 4);
}

TEST(CardRing, CopiesNothingWhereNoPlaceIsNamed) {
    Rig rig{8};
    rig.Write(0, 4);
    rig.Allow(1, 8);  // beyond the ring
    rig.Write(4, 2);
    EXPECT_EQ(rig.own.direct_used, 0U);
    EXPECT_EQ(std::ranges::count(rig.card, 0U), 8);
}

TEST(CardRing, SaysFromWhereOnAllFramesLieAtAnotherPlace) {
    Rig rig{8};
    rig.Allow(1, 0);
    rig.Write(0, 2);
    rig.Allow(2, 3);
    rig.Write(2, 2);
    EXPECT_EQ(rig.own.direct_used, 2U);
    EXPECT_EQ(rig.own.direct_from, 2U);
}

TEST(CardRing, WaitsForAnotherPlaceAfterACommandOfItsOwn) {
    Rig rig{8};
    rig.Allow(1, 0);
    rig.Write(0, 2);
    rig.ring.Forget(rig.server);
    rig.Write(2, 2);
    EXPECT_EQ(rig.own.direct_used, 0U);
    rig.Allow(2, 0);
    rig.Write(4, 2);
    EXPECT_EQ(rig.own.direct_used, 2U);
    EXPECT_EQ(rig.own.direct_from, 4U);
    EXPECT_EQ(rig.card[2], 0U);
    EXPECT_EQ(rig.card[4], 5U);
}

TEST(CardRing, WritesNothingThatTheServerHasGoneBy) {
    Rig rig{8};
    rig.Allow(1, 0);
    rig.server.limit_frames = 3;
    rig.Write(2, 2);
    EXPECT_EQ(rig.own.direct_used, 0U);
    EXPECT_EQ(std::ranges::count(rig.card, 0U), 8);
}

TEST(CardRingTwoThreads, LeavesTheLastWordToTheServer) {
    constexpr uint32_t kFrames = 1 << 16;
    constexpr Frame kServers = 1u << 31;
    Rig rig{kFrames};
    rig.Allow(1, 0);
    uint32_t serial = 1;
    std::vector<bool> is_servers(kFrames);
    test::RunTogether(
        [&] {  // the client
            for (uint32_t f = 0; f < kFrames; f += 8)
                rig.Write(f, 8);
        },
        [&] {  // the server: now and then another stream is there for some frames
            for (uint64_t r = 0; r < kFrames;) {
                const uint64_t written =
                    rig.own.written_frames.load(std::memory_order_acquire);
                for (; r < written; ++r) {
                    const bool is_alone = r / 1000 % 2 == 0;
                    if (r % 1000 == 0) rig.Allow(++serial, 0);
                    const bool is_direct =
                        is_alone &&
                        rig.own.direct_used.load(std::memory_order_acquire) == serial &&
                        rig.own.direct_from.load(std::memory_order_relaxed) <= r;
                    is_servers[r] = !is_direct;
                    if (!is_direct) rig.card[r] = kServers | static_cast<Frame>(r + 1);
                }
            }
        });
    for (uint32_t f = 0; f < kFrames; ++f)
        ASSERT_EQ(rig.card[f], is_servers[f] ? kServers | (f + 1) : f + 1) << f;
}

}  // namespace
}  // namespace shmd::client
