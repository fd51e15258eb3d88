#pragma once

#include <cstdint>
#include <limits>

namespace shmd::session {

/** Amounts of the server's resources: held, or allowed. */
struct Amounts {
    uint64_t connections = 0;
    /** Open files: sockets, and descriptors received or waiting to be sent. */
    uint64_t descriptors = 0;
    /** Pages that the server's own work can touch, and its heap. */
    uint64_t memory_bytes = 0;
    /** Address space. */
    uint64_t mapped_bytes = 0;

    bool operator==(const Amounts&) const = default;
    Amounts operator+(const Amounts& more) const noexcept {
        return {connections + more.connections, descriptors + more.descriptors,
                memory_bytes + more.memory_bytes, mapped_bytes + more.mapped_bytes};
    }
};

inline constexpr uint64_t kUnlimited = std::numeric_limits<uint64_t>::max();
inline constexpr Amounts kUnlimitedAmounts{kUnlimited, kUnlimited, kUnlimited,
                                           kUnlimited};

/** Why something is not granted; false if it is granted. `reason` is static text. */
struct Shortage {
    int error = 0;
    const char* reason = nullptr;

    explicit operator bool() const noexcept { return error != 0; }
};

}  // namespace shmd::session
