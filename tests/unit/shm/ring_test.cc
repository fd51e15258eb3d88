#include "shm/ring.h"

#include "tests/support/run_together.h"

#include <gtest/gtest.h>
#include <cstring>
#include <vector>

namespace shmd::shm {
namespace {

/** A ring in plain memory, of frames of 4 bytes, with both its ends. */
class Ring {
  public:
    explicit Ring(uint32_t buffer_frames)
        : bytes_(size_t{buffer_frames} * kFrameBytes),
          area_{bytes_, kFrameBytes, buffer_frames},
          reader_{{bytes_, kFrameBytes, buffer_frames}, written_},
          writer_{area_, written_} {}

    static constexpr uint32_t kFrameBytes = 4;

    const RingArea<std::byte>& Area() { return area_; }
    RingReader& Reader() { return reader_; }
    RingWriter& Writer() { return writer_; }
    std::atomic<uint64_t>& Written() { return written_; }

    /** Frame n gets the number n. */
    void Write(uint64_t position, uint32_t frames) {
        const auto runs = writer_.Runs(position, frames);
        for (const auto run : {runs.first, runs.second})
            for (size_t at = 0; at < run.size(); at += kFrameBytes) {
                const auto number = static_cast<uint32_t>(position++);
                std::memcpy(run.data() + at, &number, sizeof number);
            }
        writer_.Publish(position);
    }

    /** Read what is ready. @return whether each frame had its number. */
    bool ReadAll() {
        const uint32_t frames = reader_.Peek().frames;
        const auto runs = reader_.Runs(frames);
        bool right = true;
        uint64_t position = reader_.Position();
        for (const auto run : {runs.first, runs.second})
            for (size_t at = 0; at < run.size(); at += kFrameBytes) {
                uint32_t number = 0;
                std::memcpy(&number, run.data() + at, sizeof number);
                right &= number == static_cast<uint32_t>(position++);
            }
        reader_.Advance(frames);
        return right;
    }

  private:
    std::vector<std::byte> bytes_;
    std::atomic<uint64_t> written_{0};
    RingArea<std::byte> area_;
    RingReader reader_;
    RingWriter writer_;
};

TEST(RingArea, GivesOneRunBeforeTheEnd) {
    Ring ring{10};
    const auto runs = ring.Area().Runs(2, 8);
    EXPECT_EQ(runs.first.size(), 32U);
    EXPECT_TRUE(runs.second.empty());
}

TEST(RingArea, GivesTwoRunsAroundTheEnd) {
    Ring ring{10};
    const auto runs = ring.Area().Runs(7, 5);
    EXPECT_EQ(runs.first.size(), 12U);
    EXPECT_EQ(runs.second.size(), 8U);
    EXPECT_EQ(runs.second.data(), ring.Area().Runs(0, 1).first.data());
}

TEST(RingArea, GivesTheWholeRingFromAnyPlace) {
    Ring ring{7};
    for (uint64_t position = 0; position < 7; ++position) {
        const auto runs = ring.Area().Runs(position, 7);
        EXPECT_EQ(runs.first.size() + runs.second.size(), 28U) << position;
    }
}

TEST(RingArea, FindsThePlaceOfAnyCountInARingThatIsNoPowerOfTwo) {
    Ring ring{441};
    const uint64_t position = uint64_t{441} * 1'000'000'007 + 17;
    EXPECT_EQ(ring.Area().Runs(position, 1).first.data(),
              ring.Area().Runs(17, 1).first.data());
}

TEST(RingArea, GivesNothingForNoFrames) {
    Ring ring{10};
    const auto runs = ring.Area().Runs(10, 0);
    EXPECT_TRUE(runs.first.empty());
    EXPECT_TRUE(runs.second.empty());
}

TEST(RingReader, HasNothingToReadAtFirst) {
    Ring ring{10};
    EXPECT_EQ(ring.Reader().Peek().frames, 0U);
}

TEST(RingReader, ReadsWhatWasWrittenAroundTheEndManyTimes) {
    Ring ring{10};
    for (uint64_t position = 0; position < 700; position += 7) {
        ring.Write(position, 7);
        EXPECT_TRUE(ring.ReadAll()) << position;
    }
    EXPECT_EQ(ring.Reader().Position(), 700U);
}

TEST(RingReader, TakesAFullRing) {
    Ring ring{10};
    ring.Write(0, 10);
    EXPECT_EQ(ring.Reader().Peek().frames, 10U);
}

TEST(RingReader, RefusesAWriterThatClaimsMoreThanTheCapacity) {
    Ring ring{10};
    ring.Written() = 11;
    EXPECT_EQ(ring.Reader().Peek().status, RingStatus::kFault);
    EXPECT_EQ(ring.Reader().Peek().frames, 0U);
}

TEST(RingReader, RefusesTheLargestLieThereIs) {
    Ring ring{10};
    ring.Written() = uint64_t{INT64_MAX};
    EXPECT_EQ(ring.Reader().Peek().status, RingStatus::kFault);
}

TEST(RingReader, HasNothingToReadOfAWriterThatIsBehind) {
    Ring ring{10};
    for (const uint64_t written : {uint64_t{99}, uint64_t{0}}) {
        ring.Reader().Seek(100);
        ring.Written() = written;
        EXPECT_EQ(ring.Reader().Peek().status, RingStatus::kReady);
        EXPECT_EQ(ring.Reader().Peek().frames, 0U);
    }
}

TEST(RingReader, HasFewerFramesReadyAfterARewind) {
    Ring ring{10};
    ring.Write(0, 8);
    ring.Writer().Publish(3);
    EXPECT_EQ(ring.Reader().Peek().frames, 3U);
}

TEST(RingReader, ReadsWhatWasWrittenAnewAfterARewind) {
    Ring ring{10};
    ring.Write(0, 8);
    ring.Writer().Publish(2);
    ring.Write(2, 5);
    EXPECT_EQ(ring.Reader().Peek().frames, 7U);
    EXPECT_TRUE(ring.ReadAll());
}

TEST(RingReader, WaitsForAWriterThatItHasPassed) {
    Ring ring{10};
    ring.Write(0, 4);
    ring.Reader().Advance(6);
    EXPECT_EQ(ring.Reader().Peek().frames, 0U);
    ring.Write(4, 5);
    EXPECT_EQ(ring.Reader().Peek().frames, 3U);
    EXPECT_TRUE(ring.ReadAll());
}

TEST(RingReaderTwoThreads, ReadsEveryFrameAsItWasWritten) {
    constexpr uint64_t kFrames = 200'000;
    constexpr uint32_t kBuffer = 97;
    Ring ring{kBuffer};
    std::atomic<uint64_t> read{0};
    uint64_t wrong = 0;
    test::RunTogether(
        [&] {
            test::YieldUntil([&] {
                if (!ring.ReadAll()) ++wrong;
                read.store(ring.Reader().Position(), std::memory_order_release);
                return ring.Reader().Position() == kFrames;
            });
        },
        [&] {
            for (uint64_t done = 0; done < kFrames;) {
                const uint64_t used = done - read.load(std::memory_order_acquire);
                const auto frames = static_cast<uint32_t>(
                    std::min<uint64_t>({kBuffer - used, 1 + done % 40, kFrames - done}));
                if (frames == 0) {
                    std::this_thread::yield();
                    continue;
                }
                ring.Write(done, frames);
                done += frames;
            }
        });
    EXPECT_EQ(wrong, 0U);
}

}  // namespace
}  // namespace shmd::shm
