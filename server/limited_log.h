#pragma once

#include "base/clock.h"
#include "base/log_subject.h"
#include "log_limiter.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "settings.h"

#include <string>

namespace shmd {

/**
 * The log for lines that clients cause: no subject gets more than LogLimiter allows. With
 * log_level debug there is no limit: somebody looks for a fault and wants each line.
 *
 * Thread: loop.
 */
class LimitedLog {
  public:
    LimitedLog(loop::Loop& loop, const base::Clock& clock);

    /** Log `line`, with left_out=N behind it if N before it were left out. */
    void Write(LogLevel level, const base::LogSubject& subject, const std::string& line);

    /** Tell all counts now: the server stops. */
    void TellRest() { Tell(0); }

  private:
    void Tell(int64_t quiet_ns);

    const base::Clock& clock_;
    LogLimiter limiter_;
    loop::Timer timer_;  // armed while a count is not told
};

}  // namespace shmd
