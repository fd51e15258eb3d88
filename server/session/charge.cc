#include "session/charge.h"

#include <utility>

namespace shmd::session {

Charge::Charge(Charge&& other) noexcept
    : accounts_{std::move(other.accounts_)},
      uid_{other.uid_},
      held_{std::exchange(other.held_, {})} {}

Charge& Charge::operator=(Charge&& other) noexcept {
    std::swap(accounts_, other.accounts_);
    std::swap(uid_, other.uid_);
    std::swap(held_, other.held_);
    return *this;
}

Charge::~Charge() {
    GiveBack();
}

Shortage Charge::TryHold(const Amounts& wanted) noexcept {
    if (accounts_)
        if (const auto shortage = accounts_->TryChange(uid_, held_, wanted))
            return shortage;
    held_ = wanted;
    return {};
}

void Charge::RequireHold(const Amounts& wanted) {
    if (const auto shortage = TryHold(wanted)) throw ShortageError{shortage};
}

void Charge::GiveBack() noexcept {
    // Less is always granted, and needs no memory.
    static_cast<void>(TryHold({}));
}

}  // namespace shmd::session
