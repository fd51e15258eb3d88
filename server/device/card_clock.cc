#include "device/card_clock.h"

#include "base/clock.h"

namespace shmd::device {

namespace {

constexpr int64_t kSinkDivisor = 8;

}  // namespace

void CardClock::Set(int64_t frame, int64_t now_ns) noexcept {
    frame_ = frame;
    time_ns_ = now_ns;
}

int64_t CardClock::Observe(int64_t said_frame, int64_t now_ns) noexcept {
    const int64_t frame = FrameAt(now_ns);
    if (said_frame > frame) Set(said_frame, now_ns);
    if (said_frame >= frame) return said_frame;
    if (frame > said_frame + most_ahead_frames_) {
        Set(said_frame + most_ahead_frames_, now_ns);
        return said_frame + most_ahead_frames_;
    }
    time_ns_ +=
        base::MulDiv(frame - said_frame, base::kNsPerSecond, rate_hz_) / kSinkDivisor;
    return frame;
}

int64_t CardClock::FrameAt(int64_t now_ns) const noexcept {
    return frame_ + base::MulDiv(now_ns - time_ns_, rate_hz_, base::kNsPerSecond);
}

int64_t CardClock::TimeOfNs(int64_t frame) const noexcept {
    // Rounded up (MulDiv rounds down), else a sleeper would wake before the frame is due.
    return time_ns_ - base::MulDiv(frame_ - frame, base::kNsPerSecond, rate_hz_);
}

}  // namespace shmd::device
