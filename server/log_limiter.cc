#include "log_limiter.h"

#include <algorithm>
#include <utility>

namespace shmd {

std::optional<uint64_t> LogLimiter::TryAdmit(const base::LogSubject& subject) {
    const int64_t now_ns = clock_.NowNs();
    Bucket& bucket = BucketOf(subject, now_ns);
    bucket.last_ns = now_ns;
    const int64_t spent_ns = std::max(bucket.spent_until_ns, now_ns) + kNsPerLine;
    if (spent_ns > now_ns + kBurst * kNsPerLine) {
        ++bucket.left_out;
        return {};
    }
    bucket.spent_until_ns = spent_ns;
    return std::exchange(bucket.left_out, 0);
}

LogLimiter::Bucket& LogLimiter::BucketOf(const base::LogSubject& subject,
                                         int64_t now_ns) {
    if (const auto found = buckets_.find(subject); found != buckets_.end())
        return found->second;
    if (buckets_.size() >= kMostSubjects)
        std::erase_if(buckets_, [=](const auto& entry) {
            return entry.second.spent_until_ns <= now_ns && entry.second.left_out == 0;
        });
    if (buckets_.size() >= kMostSubjects) return buckets_[{.kind = "others"}];
    return buckets_[subject];
}

std::vector<LogLimiter::Rest> LogLimiter::TakeRest(int64_t quiet_ns) {
    std::vector<Rest> rest;
    const int64_t now_ns = clock_.NowNs();
    for (auto& [subject, bucket] : buckets_)
        if (bucket.left_out > 0 && now_ns - bucket.last_ns >= quiet_ns)
            rest.push_back({subject, std::exchange(bucket.left_out, 0)});
    return rest;
}

bool LogLimiter::HasRest() const noexcept {
    return std::ranges::any_of(
        buckets_, [](const auto& entry) { return entry.second.left_out > 0; });
}

}  // namespace shmd
