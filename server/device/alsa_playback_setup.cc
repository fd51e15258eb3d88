// What AlsaPlayback does on the loop: apart from the rest, which is the audio thread's.

#include "device/alsa_playback.h"

#include "base/clock.h"
#include "base/error.h"
#include "base/wakeup.h"

#include <utility>

namespace shmd::device {

AlsaPlayback::AlsaPlayback(AlsaSpec spec)
    : pcm_{std::move(spec), SND_PCM_STREAM_PLAYBACK},
      frame_bytes_{pcm_.Setup().format.FrameBytes()},
      latency_frames_{pcm_.Setup().is_clockless ? 0 : pcm_.Setup().period_frames},
      clock_{pcm_.Setup().format.rate_hz, pcm_.Setup().period_frames} {}

bool AlsaPlayback::Finish() {
    bool is_heard = !has_failed_;
    if (is_heard && pcm_.Get() != nullptr) {
        WritePending();
        is_heard = pending_.empty() && (Setup().is_clockless || WaitUntilPlayed());
    }
    if (pcm_.Handover().IsStarted()) Stop();
    rendered_ = last_position_ = 0;
    gap_frames_ = 0;
    return is_heard;
}

bool AlsaPlayback::WaitUntilPlayed() noexcept {
    if (pcm_.Ring() == nullptr) return pcm_.WaitUntilPlayed();
    base::SystemClock clock;
    base::Wakeup nobody;
    const int64_t ring_ns =
        base::MulDiv(Setup().buffer_frames, base::kNsPerSecond, Setup().format.rate_hz);
    const int64_t deadline_ns = clock.NowNs() + 2 * ring_ns;
    while (snd_pcm_state(pcm_.Get()) == SND_PCM_STATE_RUNNING) {
        int64_t card = 0;
        if (AskCard(card) < 0 || clock.NowNs() > deadline_ns) return false;
        if (card >= written_) return true;
        clock.WaitUntil(clock.NowNs() + base::MulDiv(written_ - card, base::kNsPerSecond,
                                                     Setup().format.rate_hz),
                        nobody);
    }
    return snd_pcm_state(pcm_.Get()) != SND_PCM_STATE_DISCONNECTED;
}

SharedRing AlsaPlayback::ShareRing(bool unrestricted) {
    if (pcm_.Get() == nullptr || pcm_.Ring() == nullptr)
        base::ThrowError(EOPNOTSUPP, "the device has no ring that can be mapped");
    return {.fd = pcm_.ShareRing(unrestricted),
            .ring_frames = Setup().buffer_frames,
            .ahead_frames = AheadFrames()};
}

}  // namespace shmd::device
