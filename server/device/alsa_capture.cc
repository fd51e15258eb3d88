#include "device/alsa_capture.h"

#include "base/clock.h"
#include "device/alsa_audio.h"
#include "device/device_spec.h"

#include <algorithm>
#include <cassert>

namespace shmd::device {

namespace {

/** How long to leave a card alone that is not yet where it should be. */
constexpr int64_t kLookAgainNs = base::kNsPerMs;
/** And one that is not there at all. */
constexpr int64_t kTryAgainNs = 10 * base::kNsPerMs;

}  // namespace

const audio::StreamFormat& AlsaCapture::PlaybackFormat() const noexcept {
    return Setup().format;
}

const audio::StreamFormat& AlsaCapture::CaptureFormat() const noexcept {
    return Setup().format;
}

uint32_t AlsaCapture::LeastCycleFrames() const noexcept {
    return Setup().IsCoarse() ? Setup().period_frames : kLeastPeriodFrames;
}

/** Half of the ring, or what leaves a period free: the reader may be late by the rest. */
uint32_t AlsaCapture::MostCycleFrames() const noexcept {
    return std::max(Setup().buffer_frames / 2, Setup().period_frames);
}

bool AlsaCapture::Start(int64_t now_ns) noexcept {
    if (!pcm_.Handover().TryStart()) return false;
    has_failed_ = is_down_ = false;
    errors_ = 0;
    last_position_ = rendered_;
    const bool is_started = StartAnew(now_ns);
    if (!is_started) Fail();
    return is_started;
}

/** From now on: what an earlier start left in the ring is gone with the prepare. */
bool AlsaCapture::StartAnew(int64_t now_ns) noexcept {
    snd_pcm_drop(pcm_.Get());
    if (snd_pcm_prepare(pcm_.Get()) < 0) return false;
    run_frames_ = 0;
    said_ = read_;
    base_ = read_ - static_cast<int64_t>(last_position_);
    look_ns_ = now_ns;
    clock_.Set(said_, now_ns);
    return snd_pcm_start(pcm_.Get()) >= 0;
}

void AlsaCapture::Stop() noexcept {
    if (has_failed_) return;
    snd_pcm_drop(pcm_.Get());
    pcm_.Handover().Stop();
}

uint64_t AlsaCapture::PositionFrames(int64_t now_ns) noexcept {
    if (has_failed_) return last_position_;
    look_ns_ = now_ns;
    Look(now_ns);
    const int64_t position = said_ - base_;
    if (position > 0)
        last_position_ = std::max(last_position_, static_cast<uint64_t>(position));
    return last_position_;
}

/** Ask the card where it is. */
void AlsaCapture::Look(int64_t now_ns) noexcept {
    if (Setup().is_clockless) {
        said_ = clock_.FrameAt(now_ns);
        return;
    }
    const snd_pcm_sframes_t avail = is_down_ ? -EBADFD : AvailOf(pcm_.Get());
    if (avail < 0) return Recover(static_cast<int>(avail), now_ns);
    errors_ = 0;
    said_ = read_ + avail;
    clock_.Observe(said_, now_ns);
    if (avail > snd_pcm_sframes_t{Setup().buffer_frames}) SkipOverrun();
}

/** The card has gone over what was not taken: the oldest that is left is a buffer ago,
 * and a period of that is about to go too. */
void AlsaCapture::SkipOverrun() noexcept {
    ReleaseRun();
    const int64_t kept = int64_t{Setup().buffer_frames} - Setup().period_frames;
    const int64_t lost = said_ - kept - read_;
    const auto skipped =
        snd_pcm_forward(pcm_.Get(), static_cast<snd_pcm_uframes_t>(lost));
    if (skipped <= 0) return;
    read_ += skipped;
    base_ += skipped;
    gap_frames_ += static_cast<uint64_t>(skipped);
}

/** Bring the PCM back; what it held, and what it should have captured since, is lost. */
void AlsaCapture::Recover(int error, int64_t now_ns) noexcept {
    if (IsFatal(pcm_.Get(), error) || ++errors_ > kMostErrors) return Fail();
    if (error == -ESTRPIPE && IsResumed(pcm_.Get())) return;
    const int64_t missing = std::max<int64_t>(clock_.FrameAt(now_ns) - read_, 1);
    is_down_ = !StartAnew(now_ns);
    if (!is_down_) gap_frames_ += static_cast<uint64_t>(missing);
}

void AlsaCapture::Fail() noexcept {
    has_failed_ = true;
    run_frames_ = 0;
    pcm_.Handover().Fail();
}

int64_t AlsaCapture::TimeOfFrameNs(uint64_t frame) const noexcept {
    int64_t card = static_cast<int64_t>(frame) + base_;
    if (card <= said_ || Setup().is_clockless) return clock_.TimeOfNs(card);
    if (Setup().IsCoarse()) {
        const int64_t period = Setup().period_frames;
        card = said_ + (card - said_ + period - 1) / period * period;
    }
    // A card that should be there by now, and is not, is not asked all the time.
    return std::max(clock_.TimeOfNs(card),
                    look_ns_ + (errors_ == 0 ? kLookAgainNs : kTryAgainNs));
}

std::span<std::byte> AlsaCapture::BeginBlock(uint32_t frames) noexcept {
    assert(frames > 0 && frames <= MostCycleFrames());
    (void)frames;
    return {};
}

void AlsaCapture::EndBlock(uint32_t frames) noexcept {
    rendered_ += frames;
}

void AlsaCapture::KeepCaptured(bool keep) noexcept {
    keeps_ = keep;
}

std::span<const std::byte> AlsaCapture::CapturedBefore(uint64_t frame) noexcept {
    if (has_failed_) return {};
    ReleaseRun();
    const int64_t until = std::min(said_, static_cast<int64_t>(frame) + base_);
    if (until <= read_) return {};
    const auto frames = static_cast<snd_pcm_uframes_t>(
        std::min<int64_t>(until - read_, Setup().buffer_frames));
    if (!keeps_) {
        read_ += std::max<int64_t>(snd_pcm_forward(pcm_.Get(), frames), 0);
        return {};
    }
    return Setup().access == AlsaAccess::kMmap ? FindInRing(frames) : Read(frames);
}

/** Give the ring back what the last call lent. */
void AlsaCapture::ReleaseRun() noexcept {
    if (run_frames_ == 0) return;
    const auto given = snd_pcm_mmap_commit(pcm_.Get(), ring_offset_, run_frames_);
    read_ += std::max<int64_t>(given, 0);
    run_frames_ = 0;
}

std::span<const std::byte> AlsaCapture::FindInRing(snd_pcm_uframes_t frames) noexcept {
    const std::span<std::byte> run = RingAt(pcm_.Get(), ring_offset_, frames);
    run_frames_ = run.size() / frame_bytes_;
    return run;
}

std::span<const std::byte> AlsaCapture::Read(snd_pcm_uframes_t frames) noexcept {
    const auto read = std::max<snd_pcm_sframes_t>(
        snd_pcm_readi(pcm_.Get(), pcm_.Block().data(), frames), 0);
    read_ += read;
    return pcm_.Block().first(static_cast<size_t>(read) * frame_bytes_);
}

}  // namespace shmd::device
