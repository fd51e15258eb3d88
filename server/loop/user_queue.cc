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
}

void UserQueue::Remove(uid_t user, Place& place) noexcept {
    place.own.splice(place.own.end(), users_.find(user)->second.waiting, place.at);
}

UserQueue::User* UserQueue::FindNext(int64_t now_ns) noexcept {
    User* next = nullptr;
    for (auto& [uid, user] : users_)
        if (!user.waiting.empty() && user.pause_end_ns <= now_ns &&
            (next == nullptr || user.spent_ns < next->spent_ns))
            next = &user;
    return next;
}

UserTask* UserQueue::Next(int64_t now_ns) noexcept {
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

void UserQueue::Charge(uid_t user, int64_t cost_ns, int64_t now_ns) noexcept {
    const auto found = users_.find(user);
    if (found == users_.end()) return;
    found->second.spent_ns += cost_ns;
    if (cost_ns > kDearNs) found->second.pause_end_ns = now_ns + kPauseFactor * cost_ns;
}

/** A user who is no longer ahead of the others would begin where a new one does. */
void UserQueue::ForgetIdle() noexcept {
    std::erase_if(users_, [this](const auto& entry) {
        return entry.second.registered == 0 && entry.second.spent_ns <= served_ns_;
    });
}

}  // namespace shmd::loop
