#pragma once

#include "base/clock.h"
#include "base/log_subject.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace shmd {

/**
 * Bounds what the log gets of one subject: a burst of kBurst lines, then one a second. It
 * counts what it leaves out, and the count is told with the next line of that subject, or
 * when no more come.
 *
 * It remembers kMostSubjects that have used up something. Where more of these are active
 * at once, the others share one limit.
 *
 * Thread: loop.
 */
class LogLimiter {
  public:
    static constexpr uint32_t kBurst = 10;
    static constexpr int64_t kNsPerLine = base::kNsPerSecond;
    static constexpr size_t kMostSubjects = 256;
    static constexpr int64_t kQuietNs = 2 * base::kNsPerSecond;

    explicit LogLimiter(const base::Clock& clock) : clock_{clock} {}

    /** @return nothing if the line is to be left out; else how many were left out before
     */
    [[nodiscard]] std::optional<uint64_t> TryAdmit(const base::LogSubject& subject);

    /** A subject of which lines were left out that are not told yet. */
    struct Rest {
        base::LogSubject subject;
        uint64_t left_out;
    };

    /** Take the counts of those of which nothing came for at least `quiet_ns`. */
    [[nodiscard]] std::vector<Rest> TakeRest(int64_t quiet_ns);

    /** Whether a count is not told yet. */
    [[nodiscard]] bool HasRest() const noexcept;

  private:
    /** A token bucket, as the time until which its tokens are spent (GCRA). */
    struct Bucket {
        int64_t spent_until_ns = 0;
        int64_t last_ns = 0;
        uint64_t left_out = 0;
    };

    Bucket& BucketOf(const base::LogSubject& subject, int64_t now_ns);

    const base::Clock& clock_;
    std::map<base::LogSubject, Bucket> buckets_;
};

}  // namespace shmd
