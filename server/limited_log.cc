#include "limited_log.h"

#include "log.h"

namespace shmd {

LimitedLog::LimitedLog(loop::Loop& loop, const base::Clock& clock)
    : clock_{clock}, limiter_{clock}, timer_{loop, [this] {
                                                 Tell(LogLimiter::kQuietNs);
                                             }} {}

void LimitedLog::Write(LogLevel level, const base::LogSubject& subject,
                       const std::string& line) {
    if (LogEnabled(LogLevel::kDebug)) {
        Log(level) << line;
        return;
    }
    if (!LogEnabled(level)) return;
    if (const auto left_out = limiter_.TryAdmit(subject)) {
        LogLine out{level};
        out << line;
        if (*left_out > 0) out << " left_out=" << *left_out;
    } else if (!timer_.Armed()) {
        timer_.ArmAtNs(clock_.NowNs() + LogLimiter::kQuietNs);
    }
}

void LimitedLog::Tell(int64_t quiet_ns) {
    for (const auto& [subject, left_out] : limiter_.TakeRest(quiet_ns)) {
        LogLine line{LogLevel::kWarn};
        line << "left_out=" << left_out << " kind=" << subject.kind;
        if (subject.uid != base::LogSubject::kNoUser) line << " uid=" << subject.uid;
        if (!subject.device.empty()) line << " device=" << subject.device;
    }
    if (limiter_.HasRest()) timer_.ArmAtNs(clock_.NowNs() + LogLimiter::kQuietNs);
}

}  // namespace shmd
