// What AlsaCapture does on the loop: apart from the rest, which is the audio thread's.

#include "device/alsa_capture.h"

#include <utility>

namespace shmd::device {

AlsaCapture::AlsaCapture(AlsaSpec spec)
    : pcm_{std::move(spec), SND_PCM_STREAM_CAPTURE},
      frame_bytes_{pcm_.Setup().format.FrameBytes()},
      clock_{pcm_.Setup().format.rate_hz, pcm_.Setup().period_frames} {}

bool AlsaCapture::Finish() {
    const bool is_well = !has_failed_;
    if (pcm_.Handover().IsStarted()) Stop();
    rendered_ = last_position_ = 0;
    gap_frames_ = 0;
    return is_well;
}

}  // namespace shmd::device
