// Access modes, formats, rates and channels.

#include "pcm.h"

namespace shmd::conformance {

namespace {

/** Set it, start it and move two periods. */
void Moves(const Bench& bench, const Shape& shape) {
    Pcm pcm{bench, shape};
    if (pcm.IsPlayback()) {
        pcm.WriteAll(2 * pcm.Period());
        pcm.Start();
    } else {
        pcm.Start();
        pcm.ReadAll(2 * pcm.Period());
    }
}

template <snd_pcm_access_t access>
void Access(const Bench& bench) {
    Moves(bench, {.access = access});
}

bool HasAccess(const Pcm& pcm, snd_pcm_access_t access) {
    const HwParams params;
    snd_pcm_hw_params_any(pcm, params);
    return snd_pcm_hw_params_test_access(pcm, params, access) == 0;
}

template <snd_pcm_access_t access>
void WrongCall(const Bench& bench) {
    Pcm pcm{bench, Shape{.access = access}, {.start = 1}};
    short samples[64] = {};
    void* channels[2] = {samples, samples + 32};
    const bool writes = pcm.IsPlayback();
    const long interleaved =
        writes ? snd_pcm_writei(pcm, samples, 16) : snd_pcm_readi(pcm, samples, 16);
    const long noninterleaved =
        writes ? snd_pcm_writen(pcm, channels, 16) : snd_pcm_readn(pcm, channels, 16);
    Answers(writes ? "snd_pcm_writei" : "snd_pcm_readi",
            access == SND_PCM_ACCESS_RW_INTERLEAVED ? 16 : -EINVAL, interleaved);
    Answers(writes ? "snd_pcm_writen" : "snd_pcm_readn",
            access == SND_PCM_ACCESS_RW_NONINTERLEAVED ? 16 : -EINVAL, noninterleaved);
}

void NoSuchAccess(const Bench& bench) {
    Pcm pcm{bench};
    for (int access = 0; access <= SND_PCM_ACCESS_LAST; ++access) {
        const HwParams params;
        snd_pcm_hw_params_any(pcm, params);
        const auto one = static_cast<snd_pcm_access_t>(access);
        Answers(std::string{"set_access "} + snd_pcm_access_name(one),
                HasAccess(pcm, one) ? 0 : -EINVAL,
                snd_pcm_hw_params_set_access(pcm, params, one));
    }
}

void Formats(const Bench& bench) {
    std::string names;
    for (int i = 0; i <= SND_PCM_FORMAT_LAST; ++i) {
        const auto format = static_cast<snd_pcm_format_t>(i);
        Pcm pcm{bench};
        const HwParams params;
        snd_pcm_hw_params_any(pcm, params);
        snd_pcm_hw_params_set_access(pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED);
        if (snd_pcm_hw_params_test_format(pcm, params, format) != 0) continue;
        if (snd_pcm_format_physical_width(format) % 8 != 0) continue;
        pcm.Set({.format = format});
        pcm.IsPlayback() ? pcm.WriteAll(pcm.Period()) : pcm.Start();
        if (!pcm.IsPlayback()) pcm.ReadAll(16);
        names += std::string{names.empty() ? "" : " "} + snd_pcm_format_name(format);
    }
    Expect(!names.empty(), "at least one format");
    PassWith(names);
}

void NoSuchFormat(const Bench& bench) {
    Pcm pcm{bench};
    for (int i = 0; i <= SND_PCM_FORMAT_LAST; ++i) {
        const auto format = static_cast<snd_pcm_format_t>(i);
        const HwParams params;
        snd_pcm_hw_params_any(pcm, params);
        if (snd_pcm_hw_params_test_format(pcm, params, format) == 0) continue;
        Answers("set_format " + std::to_string(i), -EINVAL,
                snd_pcm_hw_params_set_format(pcm, params, format));
    }
}

template <unsigned rate>
void Rate(const Bench& bench) {
    Moves(bench, {.rate = rate});
}

void RateNear(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams params;
    snd_pcm_hw_params_any(pcm, params);
    unsigned least = 0;
    unsigned most = 0;
    snd_pcm_hw_params_get_rate_min(params, &least, nullptr);
    snd_pcm_hw_params_get_rate_max(params, &most, nullptr);
    unsigned near = 47999;
    Answers("set_rate_near", 0,
            snd_pcm_hw_params_set_rate_near(pcm, params, &near, nullptr));
    Between("the rate", least, most, near);
    Answers("hw_params", 0, snd_pcm_hw_params(pcm, params));
    unsigned rate = 0;
    snd_pcm_hw_params_get_rate(params, &rate, nullptr);
    Answers("the rate that was said to be near", near, rate);
}

template <unsigned channels>
void Channels(const Bench& bench) {
    Moves(bench, {.channels = channels});
}

constexpr auto kEach = Where::kEach;

constexpr Row kRows[] = {
    {"access.rw_interleaved", "frames are moved by writei and readi", kEach,
     Access<SND_PCM_ACCESS_RW_INTERLEAVED>},
    {"access.rw_noninterleaved", "frames are moved by writen and readn", kEach,
     Access<SND_PCM_ACCESS_RW_NONINTERLEAVED>},
    {"access.mmap_interleaved", "frames are moved by mmap_writei and mmap_readi", kEach,
     Access<SND_PCM_ACCESS_MMAP_INTERLEAVED>},
    {"access.mmap_noninterleaved", "frames are moved by mmap_writen and mmap_readn",
     kEach, Access<SND_PCM_ACCESS_MMAP_NONINTERLEAVED>},
    {"access.calls_rw_i", "RW_INTERLEAVED: writen and readn answer -EINVAL", kEach,
     WrongCall<SND_PCM_ACCESS_RW_INTERLEAVED>},
    {"access.calls_rw_n", "RW_NONINTERLEAVED: writei and readi answer -EINVAL", kEach,
     WrongCall<SND_PCM_ACCESS_RW_NONINTERLEAVED>},
    {"access.calls_mmap_i", "MMAP_INTERLEAVED: write and read calls answer -EINVAL",
     kEach, WrongCall<SND_PCM_ACCESS_MMAP_INTERLEAVED>},
    {"access.calls_mmap_n", "MMAP_NONINTERLEAVED: write and read calls answer -EINVAL",
     kEach, WrongCall<SND_PCM_ACCESS_MMAP_NONINTERLEAVED>},
    {"access.offered", "an access is taken if it is offered, and -EINVAL if not", kEach,
     NoSuchAccess},
    {"format.offered", "every format that is offered takes frames", kEach, Formats},
    {"format.other", "a format that is not offered is refused with -EINVAL", kEach,
     NoSuchFormat},
    {"rate.8000", "8 kHz is taken exactly", kEach, Rate<8000>},
    {"rate.11025", "11.025 kHz is taken exactly", kEach, Rate<11025>},
    {"rate.44100", "44.1 kHz is taken exactly", kEach, Rate<44100>},
    {"rate.96000", "96 kHz is taken exactly", kEach, Rate<96000>},
    {"rate.192000", "192 kHz is taken exactly", kEach, Rate<192000>},
    {"rate.near", "the rate that set_rate_near returns is the one that is set", kEach,
     RateNear},
    {"channels.1", "one channel", kEach, Channels<1>},
    {"channels.2", "two channels", kEach, Channels<2>},
    {"channels.3", "three channels", kEach, Channels<3>},
    {"channels.4", "four channels", kEach, Channels<4>},
    {"channels.5", "five channels", kEach, Channels<5>},
    {"channels.6", "six channels", kEach, Channels<6>},
    {"channels.7", "seven channels", kEach, Channels<7>},
    {"channels.8", "eight channels", kEach, Channels<8>},
};

}  // namespace

std::span<const Row> AccessRows() {
    return kRows;
}

}  // namespace shmd::conformance
