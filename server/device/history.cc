#include "device/history.h"

#include <algorithm>

namespace shmd::device {

History::History(uint32_t frame_bytes, uint32_t capacity_frames)
    : frame_bytes_{frame_bytes}, bytes_(size_t{frame_bytes} * capacity_frames) {}

void History::Push(uint64_t first_frame, std::span<const std::byte> frames) noexcept {
    if (used_ == 0) begin_frame_ = first_frame;
    const size_t end = (begin_ + used_) % bytes_.size();
    const size_t head = std::min(frames.size(), bytes_.size() - end);
    std::copy_n(frames.begin(), head, bytes_.begin() + static_cast<ptrdiff_t>(end));
    std::ranges::copy(frames.subspan(head), bytes_.begin());
    used_ += frames.size();
}

std::span<const std::byte> History::FrontBefore(uint64_t end_frame) const noexcept {
    if (end_frame <= begin_frame_) return {};
    const size_t run = std::min(used_, bytes_.size() - begin_) / frame_bytes_;
    const auto wanted =
        static_cast<size_t>(std::min<uint64_t>(end_frame - begin_frame_, run));
    return std::span{bytes_}.subspan(begin_, wanted * frame_bytes_);
}

void History::Pop(size_t bytes) noexcept {
    begin_ = (begin_ + bytes) % bytes_.size();
    begin_frame_ += bytes / frame_bytes_;
    used_ -= bytes;
}

}  // namespace shmd::device
