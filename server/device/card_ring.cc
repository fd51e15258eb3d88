#include "device/card_ring.h"

#include <sound/asound.h>
#include <sys/ioctl.h>
#include <cerrno>
#include <cstring>

namespace shmd::device {

namespace {

/** Whether the driver need not hear of appl_ptr: asked of all that the card can do. */
bool RunsFreely(int fd) {
    snd_pcm_hw_params all;
    std::memset(&all, 0, sizeof all);
    for (auto& mask : all.masks)
        std::memset(&mask, 0xff, sizeof mask);
    for (auto& interval : all.intervals)
        interval.max = UINT32_MAX;
    all.rmask = UINT32_MAX;
    all.info = UINT32_MAX;
    if (::ioctl(fd, SNDRV_PCM_IOCTL_HW_REFINE, &all) < 0) return false;
    constexpr uint32_t kMustBeTold =
        SNDRV_PCM_INFO_SYNC_APPLPTR | SNDRV_PCM_INFO_EXPLICIT_SYNC;
    return (all.info & SNDRV_PCM_INFO_MMAP) != 0 && (all.info & kMustBeTold) == 0;
}

}  // namespace

std::optional<CardRing> CardRing::Of(int fd, shm::RingArea<std::byte> area) {
    if (!RunsFreely(fd)) return {};
    return CardRing{fd, area};
}

int64_t CardRing::Played() const noexcept {
    snd_pcm_sync_ptr pointers;
    std::memset(&pointers, 0, sizeof pointers);
    // Sync with the hardware; of the control page only get, never set.
    pointers.flags = SNDRV_PCM_SYNC_PTR_HWSYNC | SNDRV_PCM_SYNC_PTR_APPL |
                     SNDRV_PCM_SYNC_PTR_AVAIL_MIN;
    if (::ioctl(fd_, SNDRV_PCM_IOCTL_SYNC_PTR, &pointers) < 0) return -errno;
    return static_cast<int64_t>(pointers.s.status.hw_ptr);
}

}  // namespace shmd::device
