#include "device/alsa_audio.h"

#include <algorithm>

namespace shmd::device {

bool IsFatal(snd_pcm_t* pcm, int error) noexcept {
    return error == -ENODEV || snd_pcm_state(pcm) == SND_PCM_STATE_DISCONNECTED;
}

snd_pcm_sframes_t AvailOf(snd_pcm_t* pcm) noexcept {
    const snd_pcm_sframes_t avail = snd_pcm_avail(pcm);
    if (avail < 0) return avail;
    switch (snd_pcm_state(pcm)) {
        case SND_PCM_STATE_SUSPENDED:
            return -ESTRPIPE;
        case SND_PCM_STATE_DISCONNECTED:
            return -ENODEV;
        default:
            return avail;
    }
}

bool IsResumed(snd_pcm_t* pcm) noexcept {
    const int error = snd_pcm_resume(pcm);
    // A plugin that knows no resume says 0 and stays as it was.
    return error == -EAGAIN ||
           (error == 0 && snd_pcm_state(pcm) != SND_PCM_STATE_SUSPENDED);
}

std::span<std::byte> RingAt(snd_pcm_t* pcm, snd_pcm_uframes_t& offset,
                            snd_pcm_uframes_t frames) noexcept {
    const snd_pcm_channel_area_t* areas = nullptr;
    if (snd_pcm_mmap_begin(pcm, &areas, &offset, &frames) < 0) return {};
    const size_t frame_bytes = areas->step / 8;  // both are given in bits
    auto* const ring = static_cast<std::byte*>(areas->addr) + areas->first / 8;
    return {ring + offset * frame_bytes, frames * frame_bytes};
}

snd_pcm_sframes_t CopyIntoRing(snd_pcm_t* pcm, const std::byte* from,
                               snd_pcm_uframes_t frames, uint32_t frame_bytes) noexcept {
    snd_pcm_uframes_t offset = 0;
    const std::span<std::byte> ring = RingAt(pcm, offset, frames);
    if (ring.empty()) return 0;
    std::copy_n(from, ring.size(), ring.data());
    return snd_pcm_mmap_commit(pcm, offset, ring.size() / frame_bytes);
}

}  // namespace shmd::device
