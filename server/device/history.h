#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace shmd::device {

/**
 * The newest frames of one direction of a device, until their time has come: they are
 * rendered up to a cycle ahead, and a recorder gets them when they were played.
 *
 * Thread: audio, but for construction.  Realtime: yes.
 */
class History {
  public:
    /** @param capacity_frames  the most that is ever kept: two cycles */
    History(uint32_t frame_bytes, uint32_t capacity_frames);

    /** Append the device's frames from `first_frame` on. @pre there is room. */
    void Push(uint64_t first_frame, std::span<const std::byte> frames) noexcept;

    /** The oldest frames before `end_frame`, as many as lie in one run. */
    [[nodiscard]] std::span<const std::byte> FrontBefore(
        uint64_t end_frame) const noexcept;

    /** Forget the oldest frames: as many bytes as FrontBefore gave. */
    void Pop(size_t bytes) noexcept;

    void Clear() noexcept { used_ = 0; }

  private:
    uint32_t frame_bytes_;
    std::vector<std::byte> bytes_;
    uint64_t begin_frame_ = 0;
    size_t begin_ = 0;
    size_t used_ = 0;
};

}  // namespace shmd::device
