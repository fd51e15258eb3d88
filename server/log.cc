#include "log.h"

#include "base/log_text.h"
#include "base/thread_role.h"
#include "log_writer.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <new>

namespace shmd {
namespace {

constexpr const char* kPattern = "%Y-%m-%d %H:%M:%S.%e %v";
constexpr const char* kJournalPattern = "%v";

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::atomic<bool> g_to_journal{false};

/** What spdlog has formatted goes to the writer's thread. */
class WriterSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit WriterSink(LogWriter& writer) : writer_{writer} {}

  private:
    void sink_it_(const spdlog::details::log_msg& message) override {
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        writer_.Push({line.data(), line.size()});
    }
    void flush_() override {}

    LogWriter& writer_;
};

void TellLost(uint64_t lines) noexcept;

/** Never destroyed: the last threads may log while the process exits, and its thread may
 * be in a write that does not end. */
LogWriter& Writer() {
    static auto* const writer = new LogWriter{STDERR_FILENO, &TellLost};
    return *writer;
}

void TellLost(uint64_t lines) noexcept try {
    Log(LogLevel::kWarn)
        << "left_out=" << lines
        << " lines: the reader of the log was too slow, or there was no memory";
} catch (const std::bad_alloc&) {
    Writer().CountLost();
}

/** Never destroyed, as the writer. */
spdlog::logger& Logger() {
    static spdlog::logger* const logger = [] {
        auto sink = std::make_shared<WriterSink>(Writer());
        auto* made = new spdlog::logger{"shmd", std::move(sink)};
        made->set_level(spdlog::level::debug);  // LogLine has filtered already
        made->set_pattern(kPattern);
        // spdlog catches what is thrown while it formats. Its own handler would write to
        // standard error.
        made->set_error_handler([](const std::string&) { Writer().CountLost(); });
        return made;
    }();
    return *logger;
}

spdlog::level::level_enum SpdlogLevel(LogLevel level) {
    switch (level) {
        case LogLevel::kError:
            return spdlog::level::err;
        case LogLevel::kWarn:
            return spdlog::level::warn;
        case LogLevel::kInfo:
            return spdlog::level::info;
        case LogLevel::kDebug:
            return spdlog::level::debug;
    }
    return spdlog::level::err;
}

/** What a line begins with; the journal's priorities are those of syslog(3). */
const char* Prefix(LogLevel level, bool to_journal) {
    switch (level) {
        case LogLevel::kError:
            return to_journal ? "<3>" : "error: ";
        case LogLevel::kWarn:
            return to_journal ? "<4>" : "warn: ";
        case LogLevel::kInfo:
            return to_journal ? "<6>" : "info: ";
        case LogLevel::kDebug:
            return to_journal ? "<7>" : "debug: ";
    }
    return "";
}

}  // namespace

void LogInit(LogLevel level, bool to_journal) {
    SetLogLevel(level);
    g_to_journal = to_journal;
    Logger().set_pattern(to_journal ? kJournalPattern : kPattern);
}

bool StderrIsJournal() noexcept {
    const char* const journal = std::getenv("JOURNAL_STREAM");
    struct stat status {};
    unsigned long device = 0;
    unsigned long inode = 0;
    return journal != nullptr && std::sscanf(journal, "%lu:%lu", &device, &inode) == 2 &&
           fstat(2, &status) == 0 && status.st_dev == device && status.st_ino == inode;
}

void LogFlush(std::chrono::milliseconds most) {
    Writer().Flush(most);
}

void SetLogLevel(LogLevel level) noexcept {
    g_level.store(level, std::memory_order_relaxed);
}

bool LogEnabled(LogLevel level) noexcept {
    return level <= g_level.load(std::memory_order_relaxed);
}

LogLine::~LogLine() {
    if (!enabled_) return;
    assert(base::CurrentThreadRole() != base::ThreadRole::kAudio);
    // This is a destructor: where memory ends the line is lost, and the server lives.
    try {
        Logger().log(SpdlogLevel(level_), "{}{}", Prefix(level_, g_to_journal),
                     base::LogText(text_));
    } catch (const std::bad_alloc&) {
        Writer().CountLost();
    }
}

}  // namespace shmd
