#include "session/accounts.h"

#include <cassert>
#include <cerrno>
#include <new>
#include <utility>

namespace shmd::session {

/** A resource, and what is said when it cannot be had, by rule. */
struct Accounts::Resource {
    uint64_t Amounts::*amount;
    const char* total_reached;
    const char* user_reached;
    const char* share_used;
};

const Accounts::Resource Accounts::kResources[] = {
    {&Amounts::connections, "the limit max_clients of shmd.conf is reached",
     "the limit max_clients_per_user of shmd.conf is reached",
     "this user's share of max_clients is used up"},
    {&Amounts::descriptors, "the server's open files (RLIMIT_NOFILE) are used up",
     "the server's open files (RLIMIT_NOFILE) are used up",
     "this user's share of the server's open files (RLIMIT_NOFILE) is used up"},
    {&Amounts::memory_bytes, "the limit max_memory_mib of shmd.conf is reached",
     "the limit max_memory_per_user_mib of shmd.conf is reached",
     "this user's share of max_memory_mib is used up"},
    {&Amounts::mapped_bytes, "the server's address space is used up",
     "the server's address space is used up",
     "this user's share of the server's address space is used up"},
};

Accounts::Accounts(const Limits& limits, uid_t owner,
                   std::function<bool()> has_memory) noexcept
    : limits_{limits}, owner_{owner}, has_memory_{std::move(has_memory)} {}

Shortage Accounts::FindShortage(const Resource& resource, uid_t uid, const Amounts& user,
                                const Amounts& held,
                                const Amounts& wanted) const noexcept {
    const auto amount = resource.amount;
    if (wanted.*amount <= held.*amount) return {};
    const uint64_t more = wanted.*amount - held.*amount;
    const auto room = [more](uint64_t limit, uint64_t used) {
        return used <= limit && more <= limit - used;
    };
    if (!room(limits_.total.*amount, all_.*amount))
        return {EDQUOT, resource.total_reached};
    if (!room(limits_.per_user.*amount, user.*amount))
        return {EDQUOT, resource.user_reached};
    const uint64_t left = limits_.total.*amount - all_.*amount - more;
    if (uid != owner_ && user.*amount > left) return {EDQUOT, resource.share_used};
    if (has_memory_ && !has_memory_()) return {ENOMEM, "the server has no memory left"};
    return {};
}

Shortage Accounts::TryChange(uid_t uid, const Amounts& held,
                             const Amounts& wanted) noexcept {
    const std::lock_guard lock{mutex_};
    const Amounts user = Find(uid);
    for (const Resource& resource : kResources)
        if (const auto shortage = FindShortage(resource, uid, user, held, wanted))
            return shortage;
    Amounts after = user;
    for (const auto& [amount, total, per_user, share] : kResources) {
        assert(held.*amount <= user.*amount);
        after.*amount = user.*amount - held.*amount + wanted.*amount;
    }
    if (after == Amounts{}) {
        users_.erase(uid);
    } else
        try {
            users_.insert_or_assign(uid, after);
        } catch (const std::bad_alloc&) {
            return {ENOMEM, "the server has no memory left"};
        }
    for (const auto& [amount, total, per_user, share] : kResources)
        all_.*amount = all_.*amount - held.*amount + wanted.*amount;
    return {};
}

void Accounts::SetLimits(const Limits& limits) noexcept {
    const std::lock_guard lock{mutex_};
    limits_ = limits;
}

Amounts Accounts::HeldBy(uid_t uid) const noexcept {
    const std::lock_guard lock{mutex_};
    return Find(uid);
}

Amounts Accounts::HeldByAll() const noexcept {
    const std::lock_guard lock{mutex_};
    return all_;
}

size_t Accounts::UserCount() const noexcept {
    const std::lock_guard lock{mutex_};
    return users_.size();
}

Amounts Accounts::Find(uid_t uid) const noexcept {
    const auto found = users_.find(uid);
    return found == users_.end() ? Amounts{} : found->second;
}

}  // namespace shmd::session
