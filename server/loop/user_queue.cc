#include "loop/user_queue.h"

#include <algorithm>
#include <cassert>

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
    ++waiting_;
}

void UserQueue::Remove(uid_t user, Place& place) noexcept {
    place.own.splice(place.own.end(), users_.find(user)->second.waiting, place.at);
    --waiting_;
}

UserTask& UserQueue::Next() noexcept {
    assert(!IsEmpty());
    User* next = nullptr;
    for (auto& [uid, user] : users_)
        if (!user.waiting.empty() && (next == nullptr || user.spent_ns < next->spent_ns))
            next = &user;
    served_ns_ = next->spent_ns;
    return *next->waiting.front();
}

void UserQueue::Charge(uid_t user, int64_t cost_ns) noexcept {
    if (const auto found = users_.find(user); found != users_.end())
        found->second.spent_ns += cost_ns;
}

/** A user who is no longer ahead of the others would begin where a new one does. */
void UserQueue::ForgetIdle() noexcept {
    std::erase_if(users_, [this](const auto& entry) {
        return entry.second.registered == 0 && entry.second.spent_ns <= served_ns_;
    });
}

}  // namespace shmd::loop
