#pragma once

#include "shm/mapping.h"
#include "shm/ring.h"
#include "wire/stream_block.h"

#include <cstdint>
#include <optional>

namespace shmd::client {

/**
 * The card's own ring, while the server grants it: what goes into the pool's ring is
 * written there too, at the place that the server names. It alone decides, block by
 * block, whether the card hears that or what the server renders over it from the pool.
 *
 * Who writes first: this side, before it releases `written`. The server writes a frame
 * only after it has acquired a `written` beyond it. So the server's word is the last, and
 * nothing has to be answered when another stream joins or leaves (doc/models).
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
     * Whether `fd`, which a server sent, is a sound card's PCM. Nothing else is mapped: a
     * file that its owner makes shorter ends whoever touches the mapping, by SIGBUS. The
     * kernel itself refuses to map more of a PCM than its ring, and keeps that ring while
     * it is mapped.
     */
    static bool IsCard(int fd) noexcept;

    [[nodiscard]] uint32_t Grant() const noexcept { return grant_; }

    /** The application has stopped, paused, started or gone back: the present place is no
     * more. */
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
    uint64_t forgotten_ = 0;  // a word of the server's that does not hold any more
    uint64_t used_ = 0;       // the serial that was written with last
    uint64_t next_ = 0;       // the frame after those
};

}  // namespace shmd::client
