#pragma once

#include "session/accounts.h"
#include "settings.h"

#include <cstdint>
#include <string>

namespace shmd {

/** What this process may use of the machine that it runs on. */
struct Machine {
    /** The machine's memory, or what the control group (memory.max) leaves of it. */
    uint64_t memory_bytes = session::kUnlimited;
    /** Open files of the process, RLIMIT_NOFILE. */
    uint64_t descriptors = session::kUnlimited;
    /** Address space of the process: RLIMIT_AS, or what 32 bits reach. */
    uint64_t address_bytes = session::kUnlimited;
    /** Of which is used already. */
    uint64_t used_descriptors = 0;
    uint64_t used_address_bytes = 0;
};

/**
 * Raise the limit on open files as far as it may be raised. Nothing here uses select(2),
 * which is what the low soft limit is for.  Thread: any, once, at the start.  Errors:
 * none.
 */
void RaiseDescriptorLimit() noexcept;

/** @param root  where /proc and /sys are; tests have their own.  Errors: none. */
Machine LookAtMachine(const std::string& root = "");

/** What all users and each may hold: what `settings` say, and by the machine where they
 * say 0. */
session::Accounts::Limits LimitsOn(const Machine& machine, const Settings& settings);

/** For the log, in one line. */
std::string Describe(const session::Accounts::Limits& limits);

}  // namespace shmd
