#include "bench/load/alsa_player.h"

#include <algorithm>
#include <cmath>

namespace shmd::bench {
namespace {

// Quiet: the sum of a thousand of them need not be held back by anybody.
constexpr double kAmplitude = 100;

std::vector<int16_t> MakeSound(uint32_t frames) {
    std::vector<int16_t> sound(size_t{frames} * kChannels);
    for (size_t i = 0; i < sound.size(); ++i)
        sound[i] = static_cast<int16_t>(kAmplitude * std::sin(static_cast<double>(i)));
    return sound;
}

}  // namespace

Player::Size AlsaPlayer::Open(Size wanted) {
    pcm_.emplace(name_, SND_PCM_STREAM_PLAYBACK, wanted);
    polled_ = pcm_->Descriptors();
    sound_ = MakeSound(pcm_->Size().period_frames);
    return pcm_->Size();
}

Player::Wake AlsaPlayer::Wait() {
    return pcm_->Wait(polled_, POLLOUT);
}

std::optional<uint32_t> AlsaPlayer::Write(uint32_t most_periods) {
    const auto room = pcm_->AvailPeriods();
    if (!room) return std::nullopt;
    const uint32_t count = std::min(*room, most_periods);
    for (uint32_t i = 0; i < count; ++i)
        if (!pcm_->IsMoved(snd_pcm_writei(pcm_->Handle(), sound_.data(),
                                          pcm_->Size().period_frames)))
            return std::nullopt;
    return count;
}

void AlsaPlayer::Recover() {
    RequireAlsa(snd_pcm_prepare(pcm_->Handle()), "snd_pcm_prepare");
}

}  // namespace shmd::bench
