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

void RequireAlsa(int result, const char* what) {
    if (result < 0)
        throw std::runtime_error{std::string{what} + ": " + snd_strerror(result)};
}

AlsaPlayer::AlsaPlayer(std::string name) : name_{std::move(name)} {}

AlsaPlayer::~AlsaPlayer() {
    if (pcm_ != nullptr) snd_pcm_close(pcm_);
}

Player::Size AlsaPlayer::Open(Size wanted) {
    RequireAlsa(
        snd_pcm_open(&pcm_, name_.c_str(), SND_PCM_STREAM_PLAYBACK, SND_PCM_NONBLOCK),
        "snd_pcm_open");
    size_ = SetHardware(wanted);
    SetSoftware();
    GetDescriptors();
    sound_ = MakeSound(size_.period_frames);
    return size_;
}

Player::Size AlsaPlayer::SetHardware(Size wanted) {
    snd_pcm_hw_params_t* params = nullptr;
    snd_pcm_hw_params_alloca(&params);
    snd_pcm_uframes_t period = wanted.period_frames;
    snd_pcm_uframes_t buffer = wanted.buffer_frames;
    RequireAlsa(snd_pcm_hw_params_any(pcm_, params), "snd_pcm_hw_params_any");
    RequireAlsa(snd_pcm_hw_params_set_access(pcm_, params, SND_PCM_ACCESS_RW_INTERLEAVED),
                "access");
    RequireAlsa(snd_pcm_hw_params_set_format(pcm_, params, SND_PCM_FORMAT_S16), "format");
    RequireAlsa(snd_pcm_hw_params_set_channels(pcm_, params, kChannels), "channels");
    RequireAlsa(snd_pcm_hw_params_set_rate(pcm_, params, kRateHz, 0), "rate");
    RequireAlsa(snd_pcm_hw_params_set_period_size_near(pcm_, params, &period, nullptr),
                "period");
    RequireAlsa(snd_pcm_hw_params_set_buffer_size_near(pcm_, params, &buffer), "buffer");
    RequireAlsa(snd_pcm_hw_params(pcm_, params), "snd_pcm_hw_params");
    RequireAlsa(snd_pcm_hw_params_get_period_size(params, &period, nullptr), "period");
    RequireAlsa(snd_pcm_hw_params_get_buffer_size(params, &buffer), "buffer");
    return {static_cast<uint32_t>(period), static_cast<uint32_t>(buffer)};
}

void AlsaPlayer::SetSoftware() {
    snd_pcm_sw_params_t* params = nullptr;
    snd_pcm_sw_params_alloca(&params);
    const auto full = size_.buffer_frames / size_.period_frames * size_.period_frames;
    RequireAlsa(snd_pcm_sw_params_current(pcm_, params), "snd_pcm_sw_params_current");
    RequireAlsa(snd_pcm_sw_params_set_avail_min(pcm_, params, size_.period_frames),
                "avail_min");
    RequireAlsa(snd_pcm_sw_params_set_start_threshold(pcm_, params, full), "threshold");
    RequireAlsa(snd_pcm_sw_params(pcm_, params), "snd_pcm_sw_params");
}

void AlsaPlayer::GetDescriptors() {
    const int count = snd_pcm_poll_descriptors_count(pcm_);
    RequireAlsa(count, "snd_pcm_poll_descriptors_count");
    descriptors_.resize(static_cast<size_t>(count));
    RequireAlsa(
        snd_pcm_poll_descriptors(pcm_, descriptors_.data(), static_cast<unsigned>(count)),
        "snd_pcm_poll_descriptors");
}

Player::Wake AlsaPlayer::Wait() {
    const int ready = poll(descriptors_.data(), descriptors_.size(), kWaitMs);
    if (ready == 0) return Wake::kTimeout;
    if (ready < 0) return Wake::kNothing;
    unsigned short events = 0;
    RequireAlsa(snd_pcm_poll_descriptors_revents(
                    pcm_, descriptors_.data(), static_cast<unsigned>(descriptors_.size()),
                    &events),
                "snd_pcm_poll_descriptors_revents");
    if ((events & POLLERR) != 0) {
        if (snd_pcm_state(pcm_) == SND_PCM_STATE_XRUN) return Wake::kXrun;
        throw std::runtime_error{std::string{"the stream is "} +
                                 snd_pcm_state_name(snd_pcm_state(pcm_))};
    }
    return (events & POLLOUT) != 0 ? Wake::kRoom : Wake::kNothing;
}

std::optional<uint32_t> AlsaPlayer::Write(uint32_t most_periods) {
    const auto avail = snd_pcm_avail_update(pcm_);
    if (avail == -EPIPE) return std::nullopt;
    RequireAlsa(static_cast<int>(avail), "snd_pcm_avail_update");
    const auto room = static_cast<uint32_t>(avail) / size_.period_frames;
    for (uint32_t i = 0; i < std::min(room, most_periods); ++i) {
        const auto written = snd_pcm_writei(pcm_, sound_.data(), size_.period_frames);
        if (written == -EPIPE) return std::nullopt;
        RequireAlsa(static_cast<int>(written), "snd_pcm_writei");
        if (written != static_cast<snd_pcm_sframes_t>(size_.period_frames))
            throw std::runtime_error{"it accepted less than it said it had room for"};
    }
    return std::min(room, most_periods);
}

void AlsaPlayer::Recover() {
    RequireAlsa(snd_pcm_prepare(pcm_), "snd_pcm_prepare");
}

}  // namespace shmd::bench
