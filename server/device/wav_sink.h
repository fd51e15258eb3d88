#pragma once

#include "audio/format.h"
#include "base/unique_fd.h"
#include "device/byte_fifo.h"
#include "device/snd_file.h"

#include <atomic>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace shmd::device {

/**
 * Writes what the audio thread plays to a WAV file, bit for bit.
 *
 *     audio thread: Push ─► ByteFifo ─► Drain: loop thread ─► file
 *
 * The file's header is right after every Drain(), so that a server that is killed leaves
 * a file that can be read. More than two channels make it WAVEX.
 */
class WavSink {
  public:
    /** Sizes in a RIFF header are 32 bits: 4 GiB less room for the header and a last
     * frame. */
    static constexpr uint64_t kMostDataBytes = (uint64_t{4} << 30) - 65536;

    /** 4 seconds of `format`, but not below 1 MiB nor above 256 MiB. Thread: any. */
    static size_t CapacityFor(const audio::StreamFormat& format) noexcept;

    /**
     * Create or overwrite the file.
     *
     * @param capacity_bytes   of the FIFO; rounded up to whole frames
     * @param most_data_bytes  the file's samples end here, with an error; tests make it
     * small
     *
     * Thread: loop.  Realtime: no.
     * Errors: std::system_error when the file cannot be opened, std::runtime_error when
     * libsndfile does not take it.
     */
    WavSink(const std::string& path, const audio::StreamFormat& format,
            size_t capacity_bytes, uint64_t most_data_bytes = kMostDataBytes);
    WavSink(const WavSink&) = delete;
    WavSink& operator=(const WavSink&) = delete;

    /** Drain and close. Thread: loop. */
    ~WavSink();

    /**
     * Hand over a block; it is lost as a whole, and counted, when the FIFO has no room.
     * @param block  whole frames
     * Thread: audio.  Realtime: yes.  Never blocks.
     */
    // Inline, so that the real-time lint sees it in virtual_device.cc: wav_sink.cc has
    // only what the loop thread runs.
    void Push(std::span<const std::byte> block) noexcept {
        assert(block.size() % format_.FrameBytes() == 0);
        if (!fifo_.TryWrite(block))
            lost_frames_.fetch_add(block.size() / format_.FrameBytes(),
                                   std::memory_order_relaxed);
    }

    /**
     * Write what was pushed before the call, then the header. After an error: drop it.
     * Thread: loop.  Realtime: no.  Errors: none; see Error().
     */
    void Drain() noexcept;

    /** Frames lost to a full FIFO so far. Thread: any. Realtime: yes. */
    [[nodiscard]] uint64_t LostFrames() const noexcept {
        return lost_frames_.load(std::memory_order_relaxed);
    }

    /**
     * The write error, one sentence, the first time this is asked after it; else empty.
     * Thread: loop.  Realtime: no.
     */
    [[nodiscard]] std::string Error();

    [[nodiscard]] const std::string& Path() const noexcept { return path_; }

  private:
    void Write(std::span<const std::byte> frames) noexcept;
    std::span<const std::byte> ToFileLayout(std::span<const std::byte> frames) noexcept;

    enum class Fault { kNone, kWrite, kTooLong };

    const std::string path_;
    const audio::StreamFormat format_;
    const uint64_t most_data_bytes_;
    ByteFifo fifo_;
    std::atomic<uint64_t> lost_frames_{0};

    // The loop's alone from here on.
    std::vector<std::byte> staging_;
    base::UniqueFd fd_;
    SndFile file_;  // after fd_: it is closed first
    uint64_t data_bytes_ = 0;
    Fault fault_ = Fault::kNone;
    int fault_errno_ = 0;
    bool fault_reported_ = false;
};

}  // namespace shmd::device
