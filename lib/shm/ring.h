#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

namespace shmd::shm {

/** Frames of a ring that follow each other: one run, or two where the ring wraps. */
template <typename Byte>
struct RingRuns {
    std::span<Byte> first;
    std::span<Byte> second;
};

/**
 * A ring's geometry: `buffer_frames` frames of `frame_bytes` each, any number, not only
 * powers of two. Frame n of the stream lies at place n % buffer_frames.
 */
template <typename Byte>
class RingArea {
  public:
    RingArea() noexcept = default;
    /** @pre bytes.size() == frame_bytes x buffer_frames, both positive */
    RingArea(std::span<Byte> bytes, uint32_t frame_bytes, uint32_t buffer_frames) noexcept
        : bytes_{bytes}, frame_bytes_{frame_bytes}, buffer_frames_{buffer_frames} {}

    /**
     * Where `frames` frames from `position` on lie.
     * @pre frames <= buffer_frames.  Thread: any.  Realtime: yes.
     */
    [[nodiscard]] RingRuns<Byte> Runs(uint64_t position, uint32_t frames) const noexcept {
        const size_t place = static_cast<size_t>(position % buffer_frames_);
        const size_t until_wrap = buffer_frames_ - place;
        const size_t head = frames < until_wrap ? frames : until_wrap;
        return {bytes_.subspan(place * frame_bytes_, head * frame_bytes_),
                bytes_.first((frames - head) * frame_bytes_)};
    }

    /** Whether there is memory behind it. Without, no frame lies anywhere. */
    [[nodiscard]] bool HasMemory() const noexcept { return !bytes_.empty(); }
    [[nodiscard]] uint32_t FrameBytes() const noexcept { return frame_bytes_; }
    [[nodiscard]] uint32_t BufferFrames() const noexcept { return buffer_frames_; }

  private:
    std::span<Byte> bytes_;
    uint32_t frame_bytes_ = 1;
    uint32_t buffer_frames_ = 1;
};

enum class RingStatus {
    kReady,
    kFault,  // the writer claims more than the ring holds: it lies, or is broken
};

/**
 * Reads frames that another process writes.
 *
 * `written` belongs to the writer, who releases it after the frames; it is acquired here
 * before they are read. The read count is this side's own and is published elsewhere
 * (ServerBlock::limit_frames). The writer may move `written` back (rewind): what was not
 * read yet is then not ready any more. It may do so, or overwrite frames, while they are
 * being read; it then hears its own mistake, and nothing else depends on their contents.
 */
class RingReader {
  public:
    struct Ready {
        RingStatus status;
        uint32_t frames;
    };

    RingReader(RingArea<const std::byte> area,
               const std::atomic<uint64_t>& written) noexcept
        : area_{area}, written_{&written} {}

    /** How many frames can be read now. Thread: reader. Realtime: yes. */
    [[nodiscard]] Ready Peek() const noexcept {
        const uint64_t written_untrusted = written_->load(std::memory_order_acquire);
        const uint64_t ready = written_untrusted - read_;
        if (static_cast<int64_t>(ready) <= 0) return {RingStatus::kReady, 0};
        if (ready > area_.BufferFrames()) return {RingStatus::kFault, 0};
        return {RingStatus::kReady, static_cast<uint32_t>(ready)};
    }

    /** The next `frames` frames. @pre frames <= Peek().frames. Thread: reader. Realtime:
     * yes. */
    [[nodiscard]] RingRuns<const std::byte> Runs(uint32_t frames) const noexcept {
        return area_.Runs(read_, frames);
    }

    /** Go on by `frames`, which may pass the writer (those were silence). Realtime: yes.
     */
    void Advance(uint64_t frames) noexcept { read_ += frames; }
    void Seek(uint64_t position) noexcept { read_ = position; }
    [[nodiscard]] uint64_t Position() const noexcept { return read_; }
    [[nodiscard]] const RingArea<const std::byte>& Area() const noexcept { return area_; }

  private:
    RingArea<const std::byte> area_;
    const std::atomic<uint64_t>* written_;
    uint64_t read_ = 0;
};

/** Writes frames that another process reads; the other end of RingReader. */
class RingWriter {
  public:
    RingWriter(RingArea<std::byte> area, std::atomic<uint64_t>& written) noexcept
        : area_{area}, written_{&written} {}

    /** Where frames from `position` on go. @pre there is room. Thread: writer. Realtime:
     * yes. */
    [[nodiscard]] RingRuns<std::byte> Runs(uint64_t position,
                                           uint32_t frames) const noexcept {
        return area_.Runs(position, frames);
    }

    /** Everything before `end` may be read. Thread: writer. Realtime: yes. */
    void Publish(uint64_t end) noexcept {
        written_->store(end, std::memory_order_release);
    }

    [[nodiscard]] uint64_t Written() const noexcept {
        return written_->load(std::memory_order_relaxed);
    }
    [[nodiscard]] const RingArea<std::byte>& Area() const noexcept { return area_; }

  private:
    RingArea<std::byte> area_;
    std::atomic<uint64_t>* written_;
};

}  // namespace shmd::shm
