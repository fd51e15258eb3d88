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
    substream_ = {setup_.card, setup_.device, setup_.subdevice};
    FindRing();
    handover_.Opened();
}

void AlsaPcm::FindRing() {
    ring_.reset();
    if (direction_ != SND_PCM_STREAM_PLAYBACK || !setup_.is_hardware ||
        setup_.access != AlsaAccess::kMmap)
        return;
    pollfd descriptor{-1, 0, 0};
    const snd_pcm_channel_area_t* areas = nullptr;
    snd_pcm_uframes_t offset = 0;
    snd_pcm_uframes_t frames = 1;
    if (snd_pcm_poll_descriptors(pcm_.get(), &descriptor, 1) != 1 ||
        snd_pcm_mmap_begin(pcm_.get(), &areas, &offset, &frames) < 0)
        return;
    const uint32_t frame_bytes = setup_.format.FrameBytes();
    const std::span bytes{static_cast<std::byte*>(areas->addr) + areas->first / 8,
                          size_t{frame_bytes} * setup_.buffer_frames};
    ring_ = CardRing::Of(descriptor.fd, {bytes, frame_bytes, setup_.buffer_frames});
}

base::UniqueFd AlsaPcm::ShareRing(bool unrestricted) const {
    return OpenSharedRing(substream_, unrestricted);
}

void AlsaPcm::Open() {
    if (handover_.IsUsable()) return;
    Close();
    AlsaSetup setup;
    UniquePcm pcm = OpenAlsaPcm(spec_, direction_, setup);
    if (!IsSame(setup, setup_))
        throw std::system_error{
            EINVAL, std::generic_category(),
            Describe(spec_, setup) +
                " differs from what was opened before: " + Description()};
    pcm_ = std::move(pcm);
    substream_ = {setup.card, setup.device, setup.subdevice};
    FindRing();
    handover_.Opened();
}

bool AlsaPcm::Close() noexcept {
    if (!handover_.TryClose()) return false;
    ring_.reset();
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
