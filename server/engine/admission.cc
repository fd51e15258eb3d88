#include "engine/admission.h"

#include "base/clock.h"

#include <cmath>

namespace shmd::engine {

namespace {

int64_t PartNs(double part, unsigned processors) noexcept {
    return std::llround(part * processors * static_cast<double>(base::kNsPerSecond));
}

/** "4.1 %" of a processor. */
std::string Percent(int64_t cost_ns) {
    const int64_t tenths = (cost_ns * 1000 + base::kNsPerSecond / 2) / base::kNsPerSecond;
    return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " %";
}

std::string Exceeded(int64_t cost_ns, const char* who, int64_t used_ns, int64_t most_ns) {
    return "the stream takes " + Percent(cost_ns) + " of a processor, " + who + " take " +
           Percent(used_ns) + " of " + Percent(most_ns);
}

}  // namespace

Admission::Admission(unsigned processors) noexcept
    : most_ns_{PartNs(kMostOfAll, processors)},
      most_of_one_user_ns_{PartNs(kMostOfOneUser, processors)} {}

std::string Admission::TryAdd(uint64_t stream_id, uid_t uid, int64_t cost_ns) {
    const int64_t of_user_ns = OfUserNs(uid);
    if (of_user_ns + cost_ns > most_of_one_user_ns_)
        return Exceeded(cost_ns, "this user's", of_user_ns, most_of_one_user_ns_);
    if (total_ns_ + cost_ns > most_ns_)
        return Exceeded(cost_ns, "all users'", total_ns_, most_ns_);
    streams_[stream_id] = {uid, cost_ns};
    Charge(uid, cost_ns);
    return "";
}

void Admission::Update(uint64_t stream_id, int64_t cost_ns) noexcept {
    const auto found = streams_.find(stream_id);
    if (found == streams_.end()) return;
    Charge(found->second.uid, cost_ns - found->second.cost_ns);
    found->second.cost_ns = cost_ns;
}

void Admission::Remove(uint64_t stream_id) noexcept {
    const auto found = streams_.find(stream_id);
    if (found == streams_.end()) return;
    const Entry entry = found->second;
    streams_.erase(found);
    Charge(entry.uid, -entry.cost_ns);
    if (OfUserNs(entry.uid) == 0) of_users_ns_.erase(entry.uid);
}

int64_t Admission::OfUserNs(uid_t uid) const noexcept {
    const auto found = of_users_ns_.find(uid);
    return found == of_users_ns_.end() ? 0 : found->second;
}

void Admission::Charge(uid_t uid, int64_t cost_ns) {
    of_users_ns_[uid] += cost_ns;
    total_ns_ += cost_ns;
}

}  // namespace shmd::engine
