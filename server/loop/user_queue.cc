#include "loop/user_queue.h"

#include "base/clock.h"

#include <algorithm>

namespace shmd::loop {

void UserQueue::Register(uid_t user) {
    ForgetIdle();
    ++users_[user].registered;
}

void UserQueue::Unregister(uid_t user) noexcept {
    --users_.find(user)->second.registered;
}

void UserQueue::Add(uid_t user, Place& place) noexcept {
    User& account = users_.find(user)->second;
    if (account.waiting.empty())
        account.spent_ns = std::max(account.spent_ns, served_ns_);
    account.waiting.splice(account.waiting.end(), place.own);
    account.newcomers += place.is_of_newcomer ? 1 : 0;
}

void UserQueue::Remove(uid_t user, Place& place) noexcept {
    User& account = users_.find(user)->second;
    place.own.splice(place.own.end(), account.waiting, place.at);
    account.newcomers -= place.is_of_newcomer ? 1 : 0;
}

UserQueue::User* UserQueue::FindNext(int64_t now_ns) noexcept {
    User* next = nullptr;
    for (auto& [uid, user] : users_)
        if (!user.waiting.empty() && user.pause_end_ns <= now_ns &&
            (next == nullptr || user.spent_ns < next->spent_ns))
            next = &user;
    return next;
}

/** A user saves up no time while it pauses. */
void UserQueue::EndPauses(int64_t now_ns) noexcept {
    for (auto& [uid, user] : users_) {
        if (user.pause_end_ns == 0 || user.pause_end_ns > now_ns) continue;
        user.pause_end_ns = 0;
        user.spent_ns = std::max(user.spent_ns, served_ns_);
    }
}

UserTask* UserQueue::Next(int64_t now_ns) noexcept {
    now_ns_ = now_ns;
    EndPauses(now_ns);
    User* const next = FindNext(now_ns);
    if (next == nullptr) return nullptr;
    served_ns_ = std::max(served_ns_, next->spent_ns);
    return next->waiting.front();
}

int64_t UserQueue::NextTimeNs() const noexcept {
    int64_t first_ns = base::kNever;
    for (const auto& [uid, user] : users_)
        if (!user.waiting.empty()) first_ns = std::min(first_ns, user.pause_end_ns);
    return first_ns;
}

size_t UserQueue::CountNewcomers(int64_t now_ns) const noexcept {
    size_t count = 0;
    for (const auto& [uid, user] : users_)
        if (user.pause_end_ns <= now_ns) count += user.newcomers;
    return count;
}

void UserQueue::Charge(uid_t user, int64_t cost_ns, int64_t now_ns,
                       bool is_of_newcomer) noexcept {
    const auto found = users_.find(user);
    if (found == users_.end()) return;
    found->second.spent_ns += cost_ns;
    if (cost_ns > (is_of_newcomer ? kDearForNewcomerNs : kDearNs))
        ChargeDear(found->second, cost_ns, now_ns);
}

int64_t UserQueue::NotMadeGoodNs(const User& user, int64_t now_ns) noexcept {
    const int64_t made_good_ns = (now_ns - user.dear_at_ns) / kPauseFactor;
    return std::max<int64_t>(user.dear_ns - made_good_ns, 0);
}

void UserQueue::ChargeDear(User& user, int64_t cost_ns, int64_t now_ns) noexcept {
    user.dear_ns = NotMadeGoodNs(user, now_ns) + cost_ns;
    user.dear_at_ns = now_ns;
    const int64_t excess_ns = user.dear_ns - kDearBurstNs;
    if (excess_ns > 0) user.pause_end_ns = now_ns + kPauseFactor * excess_ns;
}

/** A user without debts would begin like a new one. */
void UserQueue::ForgetIdle() noexcept {
    std::erase_if(users_, [this](const auto& entry) {
        const User& user = entry.second;
        return user.registered == 0 && user.spent_ns <= served_ns_ &&
               NotMadeGoodNs(user, now_ns_) == 0;
    });
}

}  // namespace shmd::loop
