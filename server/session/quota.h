#pragma once

#include <sys/types.h>
#include <cstdint>
#include <unordered_map>

namespace shmd::session {

/** Counts what each user's connections hold, against the configured most. Thread: loop.
 */
class Quota {
  public:
    struct Limits {
        uint32_t clients = 1024;
        uint32_t clients_per_user = 512;
        uint64_t bytes_per_user = uint64_t{4096} << 20;
    };

    explicit Quota(const Limits& limits) noexcept : limits_{limits} {}

    void SetLimits(const Limits& limits) noexcept { limits_ = limits; }

    /**
     * Charge a connection of `uid` that may map `bytes`.
     * @return nullptr, or which limit (by its key in shmd.conf) forbids it
     */
    const char* TryCharge(uid_t uid, uint64_t bytes);

    /** Give back what TryCharge charged. */
    void Discharge(uid_t uid, uint64_t bytes);

  private:
    struct Held {
        uint32_t clients = 0;
        uint64_t bytes = 0;
    };

    Limits limits_;
    uint32_t clients_ = 0;
    std::unordered_map<uid_t, Held> users_;
};

}  // namespace shmd::session
