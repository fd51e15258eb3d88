#include "bench/load/alsa_player.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <stdexcept>

namespace shmd::bench {
namespace {

constexpr int kWaitMs = 500;
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
    const int ready = poll(polled_.data(), polled_.size(), kWaitMs);
    if (ready == 0) return Wake::kTimeout;
    if (ready < 0) return Wake::kNothing;
    const auto events = pcm_->Events(polled_.data());
    if ((events & POLLERR) != 0) return Wake::kXrun;
    return (events & POLLOUT) != 0 ? Wake::kRoom : Wake::kNothing;
}

std::optional<uint32_t> AlsaPlayer::Write(uint32_t most_periods) {
    const auto avail = snd_pcm_avail_update(pcm_->Handle());
    if (avail == -EPIPE) return std::nullopt;
    RequireAlsa(static_cast<int>(avail), "snd_pcm_avail_update");
    const auto period_frames = pcm_->Size().period_frames;
    const auto room = static_cast<uint32_t>(avail) / period_frames;
    for (uint32_t i = 0; i < std::min(room, most_periods); ++i) {
        const auto written = snd_pcm_writei(pcm_->Handle(), sound_.data(), period_frames);
        if (written == -EPIPE) return std::nullopt;
        RequireAlsa(static_cast<int>(written), "snd_pcm_writei");
        if (written != static_cast<snd_pcm_sframes_t>(period_frames))
            throw std::runtime_error{"it accepted less than it said it had room for"};
    }
    return std::min(room, most_periods);
}

void AlsaPlayer::Recover() {
    RequireAlsa(snd_pcm_prepare(pcm_->Handle()), "snd_pcm_prepare");
}

}  // namespace shmd::bench
