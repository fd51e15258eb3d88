#include "render/processor_time.h"

#include "base/clock.h"

#include <ctime>

namespace shmd::render {

int64_t ThreadProcessorTimeNs() noexcept {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return int64_t{time.tv_sec} * base::kNsPerSecond + time.tv_nsec;
}

}  // namespace shmd::render
