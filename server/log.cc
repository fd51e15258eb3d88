#include "log.h"

#include "base/thread_role.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <memory>

namespace shmd {
namespace {

constexpr const char* kPattern = "%Y-%m-%d %H:%M:%S.%e %v";
constexpr const char* kJournalPattern = "%v";

std::atomic<LogLevel> g_level{LogLevel::kInfo};
std::atomic<bool> g_to_journal{false};

/** Never destroyed: the last threads may log while the process exits. */
spdlog::logger& Logger() {
    static spdlog::logger* const logger = [] {
        auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
        auto* made = new spdlog::logger{"shmd", std::move(sink)};
        made->set_level(spdlog::level::debug);  // LogLine has filtered already
        made->flush_on(spdlog::level::warn);
        made->set_pattern(kPattern);
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

bool IsControl(char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
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

void SetLogLevel(LogLevel level) noexcept {
    g_level.store(level, std::memory_order_relaxed);
}

bool LogEnabled(LogLevel level) noexcept {
    return level <= g_level.load(std::memory_order_relaxed);
}

LogLine::~LogLine() {
    if (!enabled_) return;
    assert(base::CurrentThreadRole() != base::ThreadRole::kAudio);
    std::ranges::replace_if(text_, IsControl, '?');
    Logger().log(SpdlogLevel(level_), "{}{}", Prefix(level_, g_to_journal), text_);
}

}  // namespace shmd
