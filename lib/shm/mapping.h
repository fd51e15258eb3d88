#pragma once

#include <cstddef>
#include <span>

namespace shmd::shm {

/** The least number of whole pages that holds `bytes`, in bytes. Thread: any. */
size_t WholePages(size_t bytes) noexcept;

/** Owns one mapping of memory. Move only. Thread: any. Realtime: no. */
class Mapping {
  public:
    enum class Access { kReadOnly, kReadWrite };

    Mapping() noexcept = default;
    Mapping(Mapping&& other) noexcept;
    Mapping& operator=(Mapping&& other) noexcept;
    ~Mapping();

    /** Map the first `size_bytes` of `fd`, shared. Errors: std::system_error. */
    static Mapping OfFile(int fd, size_t size_bytes, Access access);

    /** Map zeroed memory of this process alone, filled as it is touched. Errors: as
     * above. */
    static Mapping OfNothing(size_t size_bytes);

    /**
     * Grow the mapping to `size_bytes`; its address may change. A mapping that is as
     * large already stays as it is.
     * @return false: there is no room, and nothing has changed
     */
    [[nodiscard]] bool TryGrow(size_t size_bytes) noexcept;

    /** @pre mapped read-write */
    [[nodiscard]] std::span<std::byte> Writable() const noexcept { return bytes_; }
    [[nodiscard]] std::span<const std::byte> Bytes() const noexcept { return bytes_; }
    explicit operator bool() const noexcept { return !bytes_.empty(); }

  private:
    explicit Mapping(std::span<std::byte> bytes) noexcept : bytes_{bytes} {}

    std::span<std::byte> bytes_;
};

}  // namespace shmd::shm
