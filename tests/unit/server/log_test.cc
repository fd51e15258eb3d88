#include "log.h"

#include "base/thread_role.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstdint>
#include <limits>
#include <thread>

namespace shmd {
namespace {

class LogTest : public ::testing::Test {
  protected:
    void SetUp() override { LogInit(LogLevel::kInfo, true); }
    void TearDown() override { LogInit(LogLevel::kInfo, false); }

    template <typename Body>
    std::string Printed(Body body) {
        ::testing::internal::CaptureStderr();
        body();
        LogFlush(std::chrono::seconds{10});
        return ::testing::internal::GetCapturedStderr();
    }
};

/** Counts how often it is turned into text. */
struct Counting {
    int* count;
    explicit operator std::string_view() const {
        ++*count;
        return "counted";
    }
};

TEST_F(LogTest, WritesOneLineForAnEvent) {
    EXPECT_EQ(Printed([] {
                  Log(LogLevel::kWarn)
                      << "stream=" << 3u << " underrun missing_frames=" << uint64_t{128};
              }),
              "<4>stream=3 underrun missing_frames=128\n");
}

TEST_F(LogTest, GivesTheJournalAPriorityForEachLevel) {
    SetLogLevel(LogLevel::kDebug);
    EXPECT_EQ(Printed([] {
                  for (LogLevel level : {LogLevel::kError, LogLevel::kWarn,
                                         LogLevel::kInfo, LogLevel::kDebug})
                      Log(level) << 'x';
              }),
              "<3>x\n<4>x\n<6>x\n<7>x\n");
}

TEST_F(LogTest, GivesATerminalTheTimeAndTheLevel) {
    LogInit(LogLevel::kInfo, false);
    const std::string line = Printed([] { Log(LogLevel::kWarn) << "x"; });
    ASSERT_EQ(line.size(), std::string{"2026-01-01 00:00:00.000 warn: x\n"}.size());
    EXPECT_EQ(line.substr(4, 1) + line.substr(10, 1) + line.substr(19, 1), "- .");
    EXPECT_EQ(line.substr(23), " warn: x\n");
}

TEST_F(LogTest, DropsWhatIsBelowTheLevelUnformatted) {
    int count = 0;
    const auto log = [&] { Log(LogLevel::kDebug) << Counting{&count}; };
    EXPECT_EQ(Printed(log), "");
    EXPECT_EQ(count, 0);
    SetLogLevel(LogLevel::kDebug);
    EXPECT_EQ(Printed(log), "<7>counted\n");
    EXPECT_EQ(count, 1);
}

TEST_F(LogTest, WritesEveryKindOfNumberInFull) {
    EXPECT_EQ(Printed([] {
                  Log(LogLevel::kInfo)
                      << std::numeric_limits<int64_t>::min() << ' '
                      << std::numeric_limits<uint64_t>::max() << ' ' << 0.5 << ' ' << true
                      << ' ' << uint8_t{7} << ' ' << std::numeric_limits<double>::max();
              }),
              "<6>-9223372036854775808 18446744073709551615 0.5 true 7 "
              "1.7976931348623157e+308\n");
}

TEST_F(LogTest, LetsNoNameForgeALineOrAFormat) {
    EXPECT_EQ(Printed([] {
                  Log(LogLevel::kInfo) << "name=" << std::string{"a\n<3>b\x1b[1m{}%v"};
              }),
              "<6>name=a\\x0a<3>b\\x1b[1m{}%v\n");
}

TEST_F(LogTest, KeepsTheLinesOfTwoThreadsApart) {
    const std::string line(200, 'x');
    const auto log = [&] {
        for (int i = 0; i < 200; ++i)
            Log(LogLevel::kInfo) << line;
    };
    const std::string text = Printed([&] {
        std::thread other{log};
        log();
        other.join();
    });
    std::string expected;
    for (int i = 0; i < 400; ++i)
        expected += "<6>" + line + "\n";
    EXPECT_EQ(text, expected);
}

TEST_F(LogTest, RefusesTheAudioThread) {
    EXPECT_DEBUG_DEATH(
        {
            base::SetThreadRole(base::ThreadRole::kAudio);
            Log(LogLevel::kInfo) << "x";
            base::SetThreadRole(base::ThreadRole::kNone);
        },
        "CurrentThreadRole");
}

TEST(StderrIsJournal, ComparesTheStreamThatSystemdNames) {
    struct stat status {};
    ASSERT_EQ(fstat(2, &status), 0);
    const std::string device = std::to_string(status.st_dev);
    setenv("JOURNAL_STREAM", (device + ":" + std::to_string(status.st_ino)).c_str(), 1);
    EXPECT_TRUE(StderrIsJournal());
    setenv("JOURNAL_STREAM", (device + ":" + std::to_string(status.st_ino + 1)).c_str(),
           1);
    EXPECT_FALSE(StderrIsJournal());
    unsetenv("JOURNAL_STREAM");
    EXPECT_FALSE(StderrIsJournal());
}

}  // namespace
}  // namespace shmd
