#include "device/byte_fifo.h"

#include "tests/unit/device/sound_file.h"

#include <algorithm>
#include <thread>

#include <gtest/gtest.h>

namespace shmd::device {
namespace {

std::vector<std::byte> TakeAll(ByteFifo& fifo) {
    std::vector<std::byte> taken;
    while (fifo.ReadableBytes() > 0) {
        const auto front = fifo.Front();
        taken.insert(taken.end(), front.begin(), front.end());
        fifo.Discard(front.size());
    }
    return taken;
}

TEST(ByteFifo, GivesBackWhatWasWrittenAcrossItsEnd) {
    ByteFifo fifo{10};
    for (uint32_t round = 0; round < 50; ++round) {
        const auto bytes = Noise(7, round);
        ASSERT_TRUE(fifo.TryWrite(bytes));
        ASSERT_EQ(TakeAll(fifo), bytes) << "round " << round;
    }
}

TEST(ByteFifo, CanBeFilledToTheLastByte) {
    ByteFifo fifo{10};
    const auto bytes = Noise(10, 1);
    EXPECT_TRUE(fifo.TryWrite(bytes));
    EXPECT_EQ(fifo.ReadableBytes(), 10U);
    EXPECT_EQ(TakeAll(fifo), bytes);
}

TEST(ByteFifo, TakesNothingOfWhatDoesNotFit) {
    ByteFifo fifo{10};
    const auto first = Noise(8, 1);
    ASSERT_TRUE(fifo.TryWrite(first));
    EXPECT_FALSE(fifo.TryWrite(Noise(3, 2)));
    EXPECT_EQ(TakeAll(fifo), first);
}

TEST(ByteFifo, HasRoomAgainForWhatWasDiscarded) {
    ByteFifo fifo{10};
    const auto bytes = Noise(10, 1);
    ASSERT_TRUE(fifo.TryWrite(bytes));
    fifo.Discard(3);
    const auto more = Noise(3, 2);
    ASSERT_TRUE(fifo.TryWrite(more));
    std::vector<std::byte> expected{bytes.begin() + 3, bytes.end()};
    expected.insert(expected.end(), more.begin(), more.end());
    EXPECT_EQ(TakeAll(fifo), expected);
}

TEST(ByteFifoTwoThreads, CarryEveryByteInOrder) {
    const auto sent = Noise(500'000, 3);
    ByteFifo fifo{1021};
    std::thread producer{[&] {
        for (size_t at = 0; at < sent.size();) {
            const size_t size = std::min(1 + at % 97, sent.size() - at);
            if (fifo.TryWrite(std::span{sent}.subspan(at, size)))
                at += size;
            else
                std::this_thread::yield();
        }
    }};
    std::vector<std::byte> received;
    while (received.size() < sent.size()) {
        const auto some = TakeAll(fifo);
        if (some.empty()) std::this_thread::yield();
        received.insert(received.end(), some.begin(), some.end());
    }
    producer.join();
    EXPECT_EQ(received, sent);
}

}  // namespace
}  // namespace shmd::device
