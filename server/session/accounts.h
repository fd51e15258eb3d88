#pragma once

#include "session/amounts.h"

#include <sys/types.h>
#include <cstddef>
#include <functional>
#include <mutex>
#include <unordered_map>

namespace shmd::session {

/**
 * Counts what each user's objects hold of the server, and enforces the limits. Each uid
 * has one account; Charge objects make the entries.
 *
 * Three rules, for each resource by itself (doc/decisions/0013):
 *  1. all users together hold no more than `total`,
 *  2. one user holds no more than `per_user`,
 *  3. a user takes more only while what it holds is no more than what would be left free.
 * By the third, a user that takes all it can get ends at half of the total, and two such
 * users at a third each, so that a later user finds as much as each of them has. The
 * third rule does not bind the owner, who can end the server anyway.
 *
 * Thread: any but an audio thread. A helper thread may destroy a client's objects.
 */
class Accounts {
  public:
    struct Limits {
        Amounts total = kUnlimitedAmounts;
        Amounts per_user = kUnlimitedAmounts;
    };

    /**
     * @param owner       the user who runs the server
     * @param has_memory  called before more is granted, on the caller's thread; false:
     *                    the server has no memory left, and no user gets more
     */
    Accounts(const Limits& limits, uid_t owner,
             std::function<bool()> has_memory = nullptr) noexcept;

    /** Amounts that are held already stay. */
    void SetLimits(const Limits& limits) noexcept;

    /**
     * Count `wanted` for `uid` instead of `held`, which was counted before. Less is
     * always granted.
     * @return the limit that forbids it; then nothing has changed
     * Errors: none; lack of memory is a Shortage.
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
