#include "bench/load/alsa_pcm.h"

#include <cerrno>
#include <stdexcept>

namespace shmd::bench {
namespace {

constexpr int kWaitMs = 500;

}  // namespace

void RequireAlsa(int result, const char* what) {
    if (result < 0)
        throw std::runtime_error{std::string{what} + ": " + snd_strerror(result)};
}

AlsaPcm::AlsaPcm(const std::string& name, snd_pcm_stream_t direction,
                 Player::Size wanted) {
    RequireAlsa(snd_pcm_open(&handle_, name.c_str(), direction, SND_PCM_NONBLOCK),
                "snd_pcm_open");
    try {
        SetHardware(wanted);
        SetSoftware();
        GetDescriptors();
    } catch (...) {
        snd_pcm_close(handle_);
        throw;
    }
}

void AlsaPcm::SetHardware(Player::Size wanted) {
    snd_pcm_hw_params_t* params = nullptr;
    snd_pcm_hw_params_alloca(&params);
    snd_pcm_uframes_t period = wanted.period_frames;
    snd_pcm_uframes_t buffer = wanted.buffer_frames;
    RequireAlsa(snd_pcm_hw_params_any(handle_, params), "snd_pcm_hw_params_any");
    RequireAlsa(
        snd_pcm_hw_params_set_access(handle_, params, SND_PCM_ACCESS_RW_INTERLEAVED),
        "access");
    RequireAlsa(snd_pcm_hw_params_set_format(handle_, params, SND_PCM_FORMAT_S16),
                "format");
    RequireAlsa(snd_pcm_hw_params_set_channels(handle_, params, kChannels), "channels");
    RequireAlsa(snd_pcm_hw_params_set_rate(handle_, params, kRateHz, 0), "rate");
    RequireAlsa(snd_pcm_hw_params_set_period_size_near(handle_, params, &period, nullptr),
                "period");
    RequireAlsa(snd_pcm_hw_params_set_buffer_size_near(handle_, params, &buffer),
                "buffer");
    RequireAlsa(snd_pcm_hw_params(handle_, params), "snd_pcm_hw_params");
    RequireAlsa(snd_pcm_hw_params_get_period_size(params, &period, nullptr), "period");
    RequireAlsa(snd_pcm_hw_params_get_buffer_size(params, &buffer), "buffer");
    size_ = {static_cast<uint32_t>(period), static_cast<uint32_t>(buffer)};
}

void AlsaPcm::SetSoftware() {
    snd_pcm_sw_params_t* params = nullptr;
    snd_pcm_sw_params_alloca(&params);
    const auto full = size_.buffer_frames / size_.period_frames * size_.period_frames;
    RequireAlsa(snd_pcm_sw_params_current(handle_, params), "snd_pcm_sw_params_current");
    RequireAlsa(snd_pcm_sw_params_set_avail_min(handle_, params, size_.period_frames),
                "avail_min");
    RequireAlsa(snd_pcm_sw_params_set_start_threshold(handle_, params, full),
                "threshold");
    RequireAlsa(snd_pcm_sw_params(handle_, params), "snd_pcm_sw_params");
}

void AlsaPcm::GetDescriptors() {
    const int count = snd_pcm_poll_descriptors_count(handle_);
    RequireAlsa(count, "snd_pcm_poll_descriptors_count");
    descriptors_.resize(static_cast<size_t>(count));
    RequireAlsa(snd_pcm_poll_descriptors(handle_, descriptors_.data(),
                                         static_cast<unsigned>(count)),
                "snd_pcm_poll_descriptors");
}

unsigned short AlsaPcm::Events(pollfd* polled) {
    unsigned short events = 0;
    RequireAlsa(snd_pcm_poll_descriptors_revents(
                    handle_, polled, static_cast<unsigned>(descriptors_.size()), &events),
                "snd_pcm_poll_descriptors_revents");
    const auto state = snd_pcm_state(handle_);
    if ((events & POLLERR) != 0 && state != SND_PCM_STATE_XRUN)
        throw std::runtime_error{std::string{"the stream is "} +
                                 snd_pcm_state_name(state)};
    return events;
}

Player::Wake AlsaPcm::Wait(std::vector<pollfd>& polled, short ready) {
    const int found = poll(polled.data(), polled.size(), kWaitMs);
    if (found == 0) return Player::Wake::kTimeout;
    if (found < 0) return Player::Wake::kNothing;
    const auto events = Events(polled.data());
    if ((events & POLLERR) != 0) return Player::Wake::kXrun;
    return (events & ready) != 0 ? Player::Wake::kRoom : Player::Wake::kNothing;
}

std::optional<uint32_t> AlsaPcm::AvailPeriods() {
    const auto avail = snd_pcm_avail_update(handle_);
    if (avail == -EPIPE) return std::nullopt;
    RequireAlsa(static_cast<int>(avail), "snd_pcm_avail_update");
    return static_cast<uint32_t>(avail) / size_.period_frames;
}

bool AlsaPcm::IsMoved(snd_pcm_sframes_t moved) const {
    if (moved == -EPIPE) return false;
    RequireAlsa(static_cast<int>(moved), "moving a period");
    if (moved != static_cast<snd_pcm_sframes_t>(size_.period_frames))
        throw std::runtime_error{"it moved less than it said it could"};
    return true;
}

}  // namespace shmd::bench
