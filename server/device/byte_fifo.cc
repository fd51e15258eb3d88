#include "device/byte_fifo.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace shmd::device {

ByteFifo::ByteFifo(size_t capacity_bytes) : bytes_(capacity_bytes) {
    assert(capacity_bytes > 0);
}

bool ByteFifo::TryWrite(std::span<const std::byte> bytes) noexcept {
    const uint64_t written = written_.load(std::memory_order_relaxed);
    const uint64_t used = written - read_.load(std::memory_order_acquire);
    if (bytes.size() > bytes_.size() - used) return false;
    if (bytes.empty()) return true;
    const size_t at = static_cast<size_t>(written % bytes_.size());
    const size_t first = std::min(bytes.size(), bytes_.size() - at);
    std::memcpy(bytes_.data() + at, bytes.data(), first);
    std::memcpy(bytes_.data(), bytes.data() + first, bytes.size() - first);
    written_.store(written + bytes.size(), std::memory_order_release);
    return true;
}

size_t ByteFifo::ReadableBytes() const noexcept {
    const uint64_t read = read_.load(std::memory_order_relaxed);
    return static_cast<size_t>(written_.load(std::memory_order_acquire) - read);
}

std::span<const std::byte> ByteFifo::Front() const noexcept {
    const uint64_t read = read_.load(std::memory_order_relaxed);
    const size_t at = static_cast<size_t>(read % bytes_.size());
    return std::span{bytes_}.subspan(at, std::min(ReadableBytes(), bytes_.size() - at));
}

void ByteFifo::Discard(size_t bytes) noexcept {
    assert(bytes <= ReadableBytes());
    read_.store(read_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

}  // namespace shmd::device
