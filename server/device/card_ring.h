#pragma once

#include "base/unique_fd.h"
#include "shm/ring.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace shmd::device {

/**
 * A card's own ring and pointer, without the pages that a client may write.
 *
 * A client that maps the ring of a substream (direct mode) may also map and write the
 * control page with appl_ptr, which alsa-lib reads back. So this class writes the ring by
 * its own count of frames, leaves appl_ptr where it is, and asks the kernel for the
 * card's pointer. The kernel knows this free running mode from dmix, and silences played
 * frames. Only this class and OpenSharedRing access the card without alsa-lib.
 */
class CardRing {
  public:
    /**
     * The ring at `area` of the card's PCM `fd`, which is set up; nothing if its driver
     * must be told of each frame that is written (SYNC_APPLPTR, EXPLICIT_SYNC).
     * Both are borrowed.  Thread: loop.
     */
    static std::optional<CardRing> Of(int fd, shm::RingArea<std::byte> area);

    /**
     * Frames that the card has played since it was prepared, or a negative errno: -EPIPE,
     * -ESTRPIPE, -ENODEV as snd_pcm_avail.  Thread: the one that has the PCM
     * (PcmHandover). Realtime: one ioctl.
     */
    [[nodiscard]] int64_t Played() const noexcept;

    /** The ring; frame 0 is the first since prepare. Realtime: yes. */
    [[nodiscard]] const shm::RingArea<std::byte>& Area() const noexcept { return area_; }

  private:
    CardRing(int fd, shm::RingArea<std::byte> area) noexcept : fd_{fd}, area_{area} {}

    int fd_;  // the PCM's
    shm::RingArea<std::byte> area_;
};

/** A playing substream of a card, as snd_pcm_info names it. */
struct Substream {
    int card;
    unsigned device;
    unsigned subdevice;
};

/**
 * Open a substream that is open already once more (O_APPEND), for a client: its ring can
 * be mapped and its pointer waited for. The open is done under Landlock, which denies all
 * ioctls on it for good, wherever it goes; `unrestricted` leaves that away, for old
 * kernels: such a descriptor can stop the card.
 *
 * Thread: loop (a thread of its own does it: Landlock cannot be undone).
 * Errors: std::system_error: EOPNOTSUPP where the kernel cannot restrict (before 6.10).
 */
base::UniqueFd OpenSharedRing(const Substream& substream, bool unrestricted);

}  // namespace shmd::device
