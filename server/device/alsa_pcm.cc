#include "device/alsa_pcm.h"

#include "base/clock.h"
#include "base/error.h"

#include <time.h>
#include <system_error>
#include <utility>

namespace shmd::device {

namespace {

constexpr int64_t kLookNs = 5 * base::kNsPerMs;

int64_t NowNs() {
    return base::SystemClock{}.NowNs();
}

void Sleep(int64_t ns) {
    const timespec time{.tv_sec = ns / base::kNsPerSecond,
                        .tv_nsec = ns % base::kNsPerSecond};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &time, nullptr);
}

/** Whether a reopened PCM takes the place of the old one. */
bool IsSame(AlsaSetup now, const AlsaSetup& before) {
    // Whichever of the card's substreams is free does; a card that was unplugged may come
    // back with another number.
    now.subdevice = before.subdevice;
    now.card = before.card;
    return now == before;
}

}  // namespace

AlsaPcm::AlsaPcm(AlsaSpec spec, snd_pcm_stream_t direction)
    : spec_{std::move(spec)},
      direction_{direction},
      pcm_{OpenAlsaPcm(spec_, direction, setup_)},
      block_(size_t{setup_.buffer_frames} * setup_.format.FrameBytes()),
      silence_(size_t{setup_.period_frames} * setup_.format.FrameBytes()) {
    audio::FillSilence(setup_.format.sample, block_);
    audio::FillSilence(setup_.format.sample, silence_);
    handover_.Opened();
}

void AlsaPcm::Open() {
    if (handover_.IsUsable()) return;
    Close();
    AlsaSetup setup;
    UniquePcm pcm = OpenAlsaPcm(spec_, direction_, setup);
    if (!IsSame(setup, setup_))
        throw std::system_error{
            EINVAL, std::generic_category(),
            Describe(spec_, setup) + " is not the card that was: " + Description()};
    pcm_ = std::move(pcm);
    handover_.Opened();
}

bool AlsaPcm::Close() noexcept {
    if (!handover_.TryClose()) return false;
    pcm_.reset();
    return true;
}

bool AlsaPcm::WaitUntilPlayed() noexcept {
    const int64_t buffer_ns =
        base::MulDiv(setup_.buffer_frames, base::kNsPerSecond, setup_.format.rate_hz);
    // Twice the time that it should take: an emulated card is slow.
    const int64_t deadline_ns = NowNs() + 2 * buffer_ns;
    while (snd_pcm_state(pcm_.get()) == SND_PCM_STATE_RUNNING) {
        const snd_pcm_sframes_t avail = snd_pcm_avail(pcm_.get());
        const snd_pcm_sframes_t left = snd_pcm_sframes_t{setup_.buffer_frames} - avail;
        if (avail < 0 || left <= 0) return left <= 0 || avail == -EPIPE;
        if (NowNs() > deadline_ns) return false;
        Sleep(std::min(kLookNs,
                       base::MulDiv(left, base::kNsPerSecond, setup_.format.rate_hz)));
    }
    return snd_pcm_state(pcm_.get()) != SND_PCM_STATE_DISCONNECTED;
}

}  // namespace shmd::device
