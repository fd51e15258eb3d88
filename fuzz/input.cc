#include "fuzz/input.h"

namespace shmd::fuzz {

namespace {

constexpr uint64_t kBit31 = uint64_t{1} << 31;
constexpr uint64_t kBit32 = uint64_t{1} << 32;
constexpr uint64_t kBit62 = uint64_t{1} << 62;
constexpr uint64_t kBit63 = uint64_t{1} << 63;

constexpr std::array<uint64_t, 22> kEdges{
    0,           1,      2,          3,          4,      64,         480,
    4096,        4800,   65536,      kBit31 - 1, kBit31, kBit32 - 1, kBit32,
    kBit62 - 1,  kBit62, kBit62 + 1, kBit63 - 1, kBit63, kBit63 + 1, -uint64_t{2},
    -uint64_t{1}};

}  // namespace

uint64_t Input::TakeWord() noexcept {
    const size_t kind = TakeIndex(kEdges.size() + 3);
    if (kind < kEdges.size()) return kEdges[kind];
    if (kind == kEdges.size()) return Take<uint64_t>();
    if (kind == kEdges.size() + 1) return Take<uint16_t>();
    return -uint64_t{Take<uint16_t>()};
}

}  // namespace shmd::fuzz
