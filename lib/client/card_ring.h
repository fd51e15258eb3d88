#pragma once

#include "shm/mapping.h"
#include "shm/ring.h"
#include "wire/stream_block.h"

#include <cstdint>
#include <optional>

namespace shmd::client {

/**
 * The card's own ring, while the server grants it: the client writes each frame of the
 * pool's ring there too, at the place that the server names. The server alone decides,
 * block by block, whether the card plays these frames or others, which the server renders
 * over them from the pool.
 *
 * The client writes first, before it releases `written`. The server writes a frame only
 * after it has acquired a `written` beyond it. So the server's write comes last, and no
 * answer is needed when another stream joins or leaves (doc/models).
 *
 * Thread: one at a time.  Realtime: yes, but for construction and destruction.
 */
class CardRing {
  public:
    /** @param memory  at least frame_bytes x ring_frames, writable */
    CardRing(uint32_t grant, shm::Mapping memory, uint32_t frame_bytes,
             uint32_t ring_frames) noexcept
        : grant_{grant},
          memory_{std::move(memory)},
          ring_{memory_.Writable().first(size_t{frame_bytes} * ring_frames), frame_bytes,
                ring_frames} {}

    /**
     * Whether `fd`, which a server sent, is a sound card's PCM. Nothing else is mapped:
     * if the owner of a file truncated it, touching the mapping would end this process by
     * SIGBUS. The kernel refuses to map more of a PCM than its ring, and keeps that ring
     * while it is mapped.
     */
    static bool IsCard(int fd) noexcept;

    [[nodiscard]] uint32_t Grant() const noexcept { return grant_; }

    /** The application has stopped, paused, started or gone back: the place that the
     * server named last is void. */
    void Forget(const wire::ServerBlock& server) noexcept;

    /**
     * Copy `frames` frames from `position` on, which are in the pool's `ring`, and say so
     * in `own`, before the caller releases own.written_frames.
     */
    void Copy(const shm::RingArea<std::byte>& ring, uint64_t position, uint32_t frames,
              const wire::ServerBlock& server, wire::ClientBlock& own) noexcept;

  private:
    void CopyRun(std::span<const std::byte> run, uint64_t place) noexcept;

    uint32_t grant_;
    shm::Mapping memory_;
    shm::RingArea<std::byte> ring_;
    uint64_t forgotten_ = 0;  // the server's word `direct` that is void
    uint64_t used_ = 0;       // the serial of the last frames that were written
    uint64_t next_ = 0;       // the frame after those
};

}  // namespace shmd::client
