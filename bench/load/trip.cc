#include "bench/load/trip.h"

#include "bench/load/wake_times.h"

#include <algorithm>
#include <cerrno>
#include <stdexcept>

namespace shmd::bench {
namespace {

using nlohmann::json;

constexpr int16_t kPulse = 20000;
constexpr int16_t kHeard = 1000;  // also where somebody turned it down
constexpr size_t kPulseFrames = 16;
constexpr int64_t kFirstPulseNs = 300'000'000;  // until both run steadily
constexpr int64_t kPauseNs = 100'000'000;
constexpr int64_t kLostAfterNs = 2'000'000'000;

double Frames(int64_t time_ns) {
    return static_cast<double>(time_ns) * kRateHz / 1e9;
}

Player::Size RecorderSize(Player::Size size) {
    return {size.period_frames, std::max(size.buffer_frames, kRateHz / 4)};
}

}  // namespace

Trip::Trip(const std::string& player, const std::string& monitor, Player::Size size)
    : recorder_{monitor, SND_PCM_STREAM_CAPTURE, RecorderSize(size)},
      player_{player, SND_PCM_STREAM_PLAYBACK, size},
      polled_{player_.Descriptors()},
      silence_(size_t{player_.Size().period_frames} * kChannels),
      pulse_sound_{silence_},
      recorded_(size_t{recorder_.Size().buffer_frames} * kChannels) {
    polled_.insert(polled_.end(), recorder_.Descriptors().begin(),
                   recorder_.Descriptors().end());
    std::fill_n(pulse_sound_.begin(),
                std::min(kPulseFrames * kChannels, pulse_sound_.size()), kPulse);
}

json Trip::Measure(uint32_t pulses) {
    RequireAlsa(snd_pcm_start(recorder_.Handle()), "snd_pcm_start");
    next_pulse_ns_ = NowNs() + kFirstPulseNs;
    const int64_t end_ns = NowNs() + kFirstPulseNs + pulses * kLostAfterNs;
    while (found_.size() < pulses) {
        Turn();
        if (NowNs() > end_ns) throw std::runtime_error{"not all pulses were heard"};
    }
    return {{"period", player_.Size().period_frames},
            {"buffer", player_.Size().buffer_frames},
            {"pulses", found_},
            {"xruns", xruns_}};
}

void Trip::Turn() {
    if (poll(polled_.data(), polled_.size(), 500) < 0) return;
    const auto room = player_.Events(polled_.data());
    const auto ready = recorder_.Events(polled_.data() + player_.Descriptors().size());
    if ((room & (POLLOUT | POLLERR)) != 0) Play();
    if ((ready & (POLLIN | POLLERR)) != 0) Record();
}

void Trip::Play() {
    auto avail = snd_pcm_avail_update(player_.Handle());
    if (avail < 0) {
        ++xruns_;
        pulse_.reset();
        RequireAlsa(snd_pcm_prepare(player_.Handle()), "snd_pcm_prepare");
        return;
    }
    const auto period = static_cast<snd_pcm_sframes_t>(player_.Size().period_frames);
    for (; avail >= period; avail -= period) {
        const int64_t now_ns = NowNs();
        // Only with the last period that there is room for: how full it is, is known.
        const bool is_full = avail < 2 * period && avail >= period;
        if (pulse_ && now_ns > pulse_->written_ns + kLostAfterNs) pulse_.reset();
        if (pulse_ || now_ns < next_pulse_ns_ || !is_full) {
            WritePeriod(silence_);
            continue;
        }
        pulse_ = {now_ns, 0};
        snd_pcm_delay(player_.Handle(), &pulse_->delay_frames);
        WritePeriod(pulse_sound_);
    }
}

void Trip::WritePeriod(const std::vector<int16_t>& sound) {
    const auto written =
        snd_pcm_writei(player_.Handle(), sound.data(), player_.Size().period_frames);
    if (written != -EPIPE) RequireAlsa(static_cast<int>(written), "snd_pcm_writei");
}

void Trip::Record() {
    const auto read = snd_pcm_readi(recorder_.Handle(), recorded_.data(),
                                    recorder_.Size().buffer_frames);
    const int64_t now_ns = NowNs();
    if (read == -EPIPE) {
        ++xruns_;
        RequireAlsa(snd_pcm_prepare(recorder_.Handle()), "snd_pcm_prepare");
        RequireAlsa(snd_pcm_start(recorder_.Handle()), "snd_pcm_start");
        return;
    }
    if (read == -EAGAIN) return;
    RequireAlsa(static_cast<int>(read), "snd_pcm_readi");
    const auto end = recorded_.begin() + read * kChannels;
    const auto heard = std::find_if(recorded_.begin(), end,
                                    [](int16_t sample) { return sample > kHeard; });
    if (heard != end && pulse_)
        OnArrival(static_cast<size_t>(heard - recorded_.begin()) / kChannels,
                  static_cast<size_t>(read), now_ns);
}

/** It was frame `frame` of `frames` that were read just before `now_ns`. */
void Trip::OnArrival(size_t frame, size_t frames, int64_t now_ns) {
    snd_pcm_sframes_t behind = 0;  // captured by now, and not read
    RequireAlsa(snd_pcm_delay(recorder_.Handle(), &behind), "snd_pcm_delay");
    const double arrival = Frames(now_ns - pulse_->written_ns);
    const double since =
        static_cast<double>(frames - frame) + static_cast<double>(behind);
    found_.push_back({{"delay", pulse_->delay_frames},
                      {"device", arrival - since},
                      {"arrival", arrival}});
    pulse_.reset();
    next_pulse_ns_ = now_ns + kPauseNs;
}

}  // namespace shmd::bench
