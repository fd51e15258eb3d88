#include "engine/admission.h"

#include "base/clock.h"

#include <cmath>
#include <utility>

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
    return "the stream takes " + Percent(cost_ns) + " of a processor, but " + who +
           " streams take " + Percent(used_ns) + " of the " + Percent(most_ns) +
           " allowed";
}

}  // namespace

Admission::Admission(unsigned processors, uid_t owner) noexcept
    : most_ns_{PartNs(kMostOfAll, processors)},
      most_of_one_user_ns_{PartNs(kMostOfOneUser, processors)},
      owner_{owner} {}

std::string Admission::TryAdd(uint64_t stream_id, uid_t uid, const Cost& cost) {
    std::string why_not = WhyNot(uid, cost);
    if (why_not.empty()) Charge(stream_id, uid, cost.ns);
    return why_not;
}

/** Errors: std::bad_alloc. */
std::string Admission::WhyNot(uid_t uid, const Cost& cost) const {
    const int64_t of_user_ns = OfUserNs(uid);
    if (of_user_ns + cost.ns > most_of_one_user_ns_)
        return Exceeded(cost.ns, "this user's", of_user_ns, most_of_one_user_ns_);
    if (cost.is_plain) return "";
    if (total_ns_ + cost.ns > most_ns_)
        return Exceeded(cost.ns, "all users'", total_ns_, most_ns_);
    const int64_t share_ns = (most_ns_ - (total_ns_ - of_user_ns)) / 2;
    if (uid != owner_ && of_user_ns + cost.ns > share_ns)
        return Exceeded(cost.ns, "this user's", of_user_ns, share_ns) +
               " beside other users";
    return "";
}

/** Errors: std::bad_alloc, and nothing has changed. */
void Admission::Charge(uint64_t stream_id, uid_t uid, int64_t cost_ns) {
    const auto user = users_.try_emplace(uid).first;
    try {
        streams_.try_emplace(stream_id, Entry{uid, cost_ns});
    } catch (...) {
        if (user->second.streams == 0) users_.erase(user);
        throw;
    }
    ++user->second.streams;
    user->second.cost_ns += cost_ns;
    total_ns_ += cost_ns;
}

void Admission::Update(uint64_t stream_id, int64_t cost_ns) noexcept {
    const auto found = streams_.find(stream_id);
    if (found == streams_.end()) return;
    const int64_t more_ns = cost_ns - std::exchange(found->second.cost_ns, cost_ns);
    users_.find(found->second.uid)->second.cost_ns += more_ns;
    total_ns_ += more_ns;
}

void Admission::Remove(uint64_t stream_id) noexcept {
    const auto found = streams_.find(stream_id);
    if (found == streams_.end()) return;
    const auto [uid, cost_ns] = found->second;
    streams_.erase(found);
    total_ns_ -= cost_ns;
    const auto user = users_.find(uid);
    user->second.cost_ns -= cost_ns;
    if (--user->second.streams == 0) users_.erase(user);
}

int64_t Admission::OfUserNs(uid_t uid) const noexcept {
    const auto found = users_.find(uid);
    return found == users_.end() ? 0 : found->second.cost_ns;
}

}  // namespace shmd::engine
