#pragma once

#include "settings.h"

#include <charconv>
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

/** Whether stderr is the journal's stream ($JOURNAL_STREAM, systemd.exec(5)). */
[[nodiscard]] bool StderrIsJournal() noexcept;

/** Thread: any. */
void SetLogLevel(LogLevel level) noexcept;
[[nodiscard]] bool LogEnabled(LogLevel level) noexcept;

/**
 * One event, one line, written when the statement ends:
 *
 *     Log(LogLevel::kWarn) << "stream=" << id << " underrun missing_frames=" << n;
 *
 * Nothing is formatted below the level. Control characters become '?', so that a name
 * that a client chose cannot forge a line.
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
