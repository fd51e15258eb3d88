#include "log_writer.h"

#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>

namespace shmd {
namespace {

using namespace std::chrono_literals;

class LogWriterTwoThreads : public ::testing::Test {
  protected:
    LogWriterTwoThreads() {
        std::array<int, 2> ends{};
        if (::pipe2(ends.data(), O_CLOEXEC) != 0) std::abort();
        reader_.Reset(ends[0]);
        end_.Reset(ends[1]);
    }

    /** Read until the text ends with `last`. */
    std::string ReadUntil(const std::string& last) {
        std::string text;
        std::array<char, 4096> part{};
        while (!text.ends_with(last)) {
            const ssize_t bytes = ::read(reader_.Get(), part.data(), part.size());
            if (bytes <= 0) break;
            text.append(part.data(), static_cast<size_t>(bytes));
        }
        return text;
    }

    base::UniqueFd reader_;
    base::UniqueFd end_;
};

TEST_F(LogWriterTwoThreads, WritesTheLinesInTheirOrder) {
    LogWriter writer{end_.Get(), [](uint64_t) {}};
    for (const char* line : {"one\n", "two\n", "three\n"})
        writer.Push(line);
    writer.Flush(10s);
    EXPECT_EQ(ReadUntil("three\n"), "one\ntwo\nthree\n");
}

TEST_F(LogWriterTwoThreads, NeverWaitsForAPipeThatIsNotRead) {
    std::atomic<uint64_t> lost{0};
    LogWriter* made = nullptr;
    LogWriter writer{end_.Get(), [&](uint64_t lines) {
                         lost = lines;
                         made->Push("lost\n");
                     }};
    made = &writer;
    const std::string line = std::string(999, 'x') + "\n";
    constexpr uint64_t kLines = 3000;
    for (uint64_t i = 0; i < kLines; ++i)
        writer.Push(line);
    const auto before = std::chrono::steady_clock::now();
    writer.Flush(50ms);
    EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
    // All that fitted, and the count of the others.
    const std::string text = ReadUntil("lost\n");
    const uint64_t written = (text.size() - 5) / line.size();
    EXPECT_GE(written, LogWriter::kMostBytes / line.size());
    EXPECT_EQ(written + lost, kLines);
}

TEST_F(LogWriterTwoThreads, TellsOfALineThatCouldNotBeMade) {
    LogWriter* made = nullptr;
    LogWriter writer{end_.Get(), [&](uint64_t lines) {
                         made->Push("lost " + std::to_string(lines) + "\n");
                     }};
    made = &writer;
    writer.CountLost();
    writer.Push("next\n");
    EXPECT_EQ(ReadUntil("lost 1\n"), "next\nlost 1\n");
}

TEST_F(LogWriterTwoThreads, LosesWhatCannotBeWritten) {
    const base::UniqueFd full{::open("/dev/full", O_WRONLY | O_CLOEXEC)};
    LogWriter writer{full.Get(), [](uint64_t) {}};
    writer.Push("x\n");
    writer.Flush(10s);  // returns
}

TEST_F(LogWriterTwoThreads, WritesToADescriptorThatAnotherHasMadeNonBlocking) {
    ASSERT_EQ(::fcntl(end_.Get(), F_SETFL, O_NONBLOCK), 0);
    LogWriter writer{end_.Get(), [](uint64_t) {}};
    const std::string line(100'000, 'x');
    for (int i = 0; i < 5; ++i)
        writer.Push(line);
    writer.Push("end\n");
    EXPECT_EQ(ReadUntil("end\n").size(), 5 * line.size() + 4);
}

}  // namespace
}  // namespace shmd
