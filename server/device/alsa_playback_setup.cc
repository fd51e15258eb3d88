// What AlsaPlayback does on the loop: apart from the rest, which is the audio thread's.

#include "device/alsa_playback.h"

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
        is_heard = pending_.empty() && (Setup().is_clockless || pcm_.WaitUntilPlayed());
    }
    if (pcm_.Handover().IsStarted()) Stop();
    rendered_ = last_position_ = 0;
    gap_frames_ = 0;
    return is_heard;
}

}  // namespace shmd::device
