#pragma once

#include "settings.h"

#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <type_traits>

namespace shmd {

/**
 * Where the log begins: from here on it goes to stderr in the given style. What is logged
 * before goes there too, at level info.
 *
 * @param to_journal  a priority before each line ("<4>", sd-daemon(3)) and no time: the
 *                    journal keeps its own
 * Thread: loop, before others log.
 */
void LogInit(LogLevel level, bool to_journal);

/**
 * Wait until what was logged is written, but at most so long: standard error may be a
 * pipe that no process reads. For the end of the process.  Thread: any but the audio
 * thread.
 */
void LogFlush(std::chrono::milliseconds most);

/** Whether stderr is the journal's stream ($JOURNAL_STREAM, systemd.exec(5)). */
[[nodiscard]] bool StderrIsJournal() noexcept;

/** Thread: any. */
void SetLogLevel(LogLevel level) noexcept;
[[nodiscard]] bool LogEnabled(LogLevel level) noexcept;

/**
 * One event, one line, written soon after the statement has ended, by a thread of the
 * log's own (log_writer.h): this never waits for whatever reads the log.
 *
 *     Log(LogLevel::kWarn) << "stream=" << id << " underrun missing_frames=" << n;
 *
 * Nothing is formatted below the level. The line is that of base::LogText, so that no
 * text in it can begin another line or act on a terminal. A name that a client chose goes
 * in as base::LogValue, so that it cannot be read as other keys.
 *
 * Thread: any but the audio thread.  Realtime: no.
 */
class LogLine {
  public:
    explicit LogLine(LogLevel level) : level_{level}, enabled_{LogEnabled(level)} {}
    LogLine(const LogLine&) = delete;
    LogLine& operator=(const LogLine&) = delete;
    ~LogLine();

    /** Text, a number, a bool ("true") or a character. */
    template <typename T>
    LogLine& operator<<(const T& value) {
        if (enabled_) Append(value);
        return *this;
    }

  private:
    template <typename T>
    void Append(const T& value) {
        if constexpr (std::is_same_v<T, bool>)
            text_ += value ? "true" : "false";
        else if constexpr (std::is_same_v<T, char>)
            text_ += value;
        else if constexpr (std::is_arithmetic_v<T>)
            AppendNumber(value);
        else
            text_ += std::string_view{value};
    }

    template <typename T>
    void AppendNumber(T value) {
        char digits[32];  // the shortest exact form of a double takes 24
        text_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    }

    LogLevel level_;
    bool enabled_;
    std::string text_;
};

inline LogLine Log(LogLevel level) {
    return LogLine{level};
}

}  // namespace shmd
