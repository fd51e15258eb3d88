#pragma once

#include "base/unique_fd.h"
#include "session/accounts.h"
#include "session/amounts.h"

#include <sys/types.h>
#include <memory>
#include <string>
#include <system_error>

namespace shmd::session {

/** Thrown when a required charge is not granted; what() is the reason. */
class ShortageError : public std::system_error {
  public:
    explicit ShortageError(const Shortage& shortage)
        : std::system_error{shortage.error, std::generic_category()},
          reason_{shortage.reason} {}
    [[nodiscard]] const char* what() const noexcept override { return reason_; }

  private:
    const char* reason_;
};

/**
 * What one object holds on its user's account. It is made where the object is made, and
 * gives back what it holds when it is destroyed.
 *
 * Thread: one at a time, as its object; not an audio thread.
 */
class Charge {
  public:
    /** On no account: without limits. */
    Charge() noexcept = default;

    /** On the account of `uid`, holding nothing yet. */
    Charge(std::shared_ptr<Accounts> accounts, uid_t uid) noexcept
        : accounts_{std::move(accounts)}, uid_{uid} {}

    Charge(Charge&& other) noexcept;
    Charge& operator=(Charge&& other) noexcept;
    ~Charge();

    /** A charge on the same account that holds nothing yet. */
    [[nodiscard]] Charge OfSameUser() const noexcept { return {accounts_, uid_}; }

    [[nodiscard]] const Amounts& Held() const noexcept { return held_; }

    /**
     * Hold `wanted` instead of what it holds.
     * @return the limit that forbids it; it then holds what it held before
     */
    [[nodiscard]] Shortage TryHold(const Amounts& wanted) noexcept;

    /** As TryHold. Errors: ShortageError. */
    void RequireHold(const Amounts& wanted);

    /** Hold nothing. */
    void GiveBack() noexcept;

  private:
    std::shared_ptr<Accounts> accounts_;
    uid_t uid_ = 0;
    Amounts held_;
};

/** A descriptor and its charge, which is given back when the descriptor is closed. */
struct ChargedFd {
    Charge charge;
    base::UniqueFd fd;
};

}  // namespace shmd::session
