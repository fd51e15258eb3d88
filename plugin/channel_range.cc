#include "plugin/channel_range.h"

#include "plugin/hw_space.h"
#include "wire/limits.h"

namespace shmd::plugin {

namespace {

constexpr unsigned kAsPlug = 10000;
constexpr unsigned kStereo = 2;

}  // namespace

unsigned OfferedChannels(unsigned channels_max, unsigned device_channels) noexcept {
    if (channels_max != 0) return channels_max;
    return device_channels > kStereo ? device_channels : kAsPlug;
}

void AnswerLastChannels(snd_pcm_hw_params_t* params, unsigned device_channels) noexcept {
    ReplaceChannels(params, kAsPlug, device_channels != 0 ? device_channels : kStereo);
}

void MarkLastChannels(snd_pcm_hw_params_t* params) noexcept {
    MarkChannelsUpTo(params, kAsPlug);
}

bool HasPossibleChannels(const snd_pcm_hw_params_t* params) noexcept {
    unsigned least = 0;
    return snd_pcm_hw_params_get_channels_min(params, &least) < 0 ||
           least <= wire::kMaxChannels;
}

void NarrowChannels(snd_pcm_t* pcm, snd_pcm_hw_params_t* params) noexcept {
    unsigned most = 0;
    if (snd_pcm_hw_params_get_channels_max(params, &most) < 0) return;
    if (most <= wire::kMaxChannels || most == kAsPlug) return;
    most = wire::kMaxChannels;
    snd_pcm_hw_params_set_channels_max(pcm, params, &most);
}

}  // namespace shmd::plugin
