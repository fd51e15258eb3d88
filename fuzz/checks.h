#pragma once

#include <cstddef>
#include <cstdint>

namespace shmd::fuzz {

/** Ends the process, so that libFuzzer keeps the input, unless `holds`. */
void Require(bool holds, const char* what) noexcept;

/** What a process holds that a peer may make it hold. */
struct Held {
    size_t descriptors = 0;
    size_t mappings = 0;  // made by lib/shm and the loop

    bool operator==(const Held&) const = default;
};

/** Counts what this process holds at present. Thread: any. */
Held CountHeld();

/** Says what differs, and ends the process, unless both are the same. */
void RequireSameHeld(const Held& before, const Held& after) noexcept;

}  // namespace shmd::fuzz
