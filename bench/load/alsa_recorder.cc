#include "bench/load/alsa_recorder.h"

#include <algorithm>

namespace shmd::bench {

Player::Size AlsaRecorder::Open(Size wanted) {
    pcm_.emplace(name_, SND_PCM_STREAM_CAPTURE, wanted);
    polled_ = pcm_->Descriptors();
    sound_.resize(size_t{pcm_->Size().period_frames} * kChannels);
    RequireAlsa(snd_pcm_start(pcm_->Handle()), "snd_pcm_start");
    return pcm_->Size();
}

Player::Wake AlsaRecorder::Wait() {
    return pcm_->Wait(polled_, POLLIN);
}

std::optional<uint32_t> AlsaRecorder::Write(uint32_t most_periods) {
    const auto room = pcm_->AvailPeriods();
    if (!room) return std::nullopt;
    const uint32_t count = std::min(*room, most_periods);
    for (uint32_t i = 0; i < count; ++i)
        if (!pcm_->IsMoved(
                snd_pcm_readi(pcm_->Handle(), sound_.data(), pcm_->Size().period_frames)))
            return std::nullopt;
    return count;
}

void AlsaRecorder::Recover() {
    RequireAlsa(snd_pcm_prepare(pcm_->Handle()), "snd_pcm_prepare");
    RequireAlsa(snd_pcm_start(pcm_->Handle()), "snd_pcm_start");
}

}  // namespace shmd::bench
