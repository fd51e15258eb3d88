#pragma once

#include "session/amounts.h"

#include <sys/types.h>
#include <cstddef>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace shmd::session {

/**
 * What each user's objects hold of the server, against what may be held: one account a
 * uid. A Charge makes the entries.
 *
 * Three rules, for each resource by itself (doc/decisions/0013):
 *  1. all users together hold no more than `total`,
 *  2. one user holds no more than `per_user`,
 *  3. a user takes more only while what it holds is no more than what would be left free.
 * By the third, a user that takes all it can get ends at half of the total, and two such
 * users at a third each, so that a user who comes later finds as much. It does not bind
 * the owner, the user who runs the server and may end it.
 *
 * Thread: any but an audio thread: what a client had may be destroyed on a helper's.
 */
class Accounts {
  public:
    struct Limits {
        Amounts total = kUnlimitedAmounts;
        Amounts per_user = kUnlimitedAmounts;
    };

    /**
     * @param owner       the user who runs the server
     * @param has_memory  asked before anything more is held, on the caller's thread;
     *                    false: the server's memory is at its end, no user gets more
     */
    Accounts(const Limits& limits, uid_t owner,
             std::function<bool()> has_memory = nullptr) noexcept;

    /** What is held already stays. */
    void SetLimits(const Limits& limits) noexcept;

    /**
     * Count `wanted` for `uid` in the place of `held`, which was counted before. Less is
     * always granted.
     * @return what forbids it, and nothing has changed
     * Errors: none; memory that ends is a shortage.
     */
    [[nodiscard]] Shortage TryChange(uid_t uid, const Amounts& held,
                                     const Amounts& wanted) noexcept;

    [[nodiscard]] Amounts HeldBy(uid_t uid) const noexcept;
    [[nodiscard]] Amounts HeldByAll() const noexcept;
    /** Users that hold anything. */
    [[nodiscard]] size_t UserCount() const noexcept;

  private:
    struct Resource;
    static const Resource kResources[];

    [[nodiscard]] Shortage FindShortage(const Resource& resource, uid_t uid,
                                        const Amounts& user, const Amounts& held,
                                        const Amounts& wanted) const noexcept;

    [[nodiscard]] Amounts Find(uid_t uid) const noexcept;

    mutable std::mutex mutex_;  // of limits_, all_ and users_
    Limits limits_;
    uid_t owner_;
    std::function<bool()> has_memory_;
    Amounts all_;
    std::unordered_map<uid_t, Amounts> users_;
};

}  // namespace shmd::session
