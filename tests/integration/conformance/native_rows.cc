// What is offered when nothing is to be converted.

#include "pcm.h"

#include <vector>

namespace shmd::conformance {

namespace {

struct Space {
    unsigned rate_min = 0, rate_max = 0, channels_min = 0, channels_max = 0;
    std::vector<snd_pcm_format_t> formats;
};

Space SpaceOf(const Pcm& pcm, const HwParams& params) {
    Space space;
    snd_pcm_hw_params_get_rate_min(params, &space.rate_min, nullptr);
    snd_pcm_hw_params_get_rate_max(params, &space.rate_max, nullptr);
    snd_pcm_hw_params_get_channels_min(params, &space.channels_min);
    snd_pcm_hw_params_get_channels_max(params, &space.channels_max);
    for (int format = 0; format <= SND_PCM_FORMAT_LAST; ++format)
        if (snd_pcm_hw_params_test_format(pcm, params,
                                          static_cast<snd_pcm_format_t>(format)) == 0)
            space.formats.push_back(static_cast<snd_pcm_format_t>(format));
    return space;
}

constexpr int kNotAsked = -1;  // no call of set_rate_resample

Space Offered(const Bench& bench, int mode, int resample = kNotAsked) {
    const Pcm pcm{bench, mode};
    const HwParams params;
    Succeeds("hw_params_any", snd_pcm_hw_params_any(pcm, params));
    if (resample != kNotAsked)
        Answers("set_rate_resample", 0,
                snd_pcm_hw_params_set_rate_resample(pcm, params, resample != 0));
    return SpaceOf(pcm, params);
}

void IsPartOf(const Space& part, const Space& whole) {
    Between("the least rate", whole.rate_min, whole.rate_max, part.rate_min);
    Between("the greatest rate", part.rate_min, whole.rate_max, part.rate_max);
    Between("the fewest channels", whole.channels_min, whole.channels_max,
            part.channels_min);
    Between("the most channels", part.channels_min, whole.channels_max,
            part.channels_max);
    Between("the formats", 1, static_cast<long>(whole.formats.size()),
            static_cast<long>(part.formats.size()));
}

/** Each narrows what the next is taken from: not all that is offered goes together. */
void TakesTheFirst(const Bench& bench, int mode) {
    const Pcm pcm{bench, mode};
    const HwParams params;
    Succeeds("hw_params_any", snd_pcm_hw_params_any(pcm, params));
    snd_pcm_format_t format = SND_PCM_FORMAT_UNKNOWN;
    unsigned channels = 0;
    unsigned rate = 0;
    Answers("set_format_first", 0,
            snd_pcm_hw_params_set_format_first(pcm, params, &format));
    Answers("set_channels_first", 0,
            snd_pcm_hw_params_set_channels_first(pcm, params, &channels));
    Answers("set_rate_first", 0,
            snd_pcm_hw_params_set_rate_first(pcm, params, &rate, nullptr));
    const std::string what = std::string{"hw_params of "} + snd_pcm_format_name(format) +
                             ", " + std::to_string(channels) + " channels, " +
                             std::to_string(rate) + " Hz";
    Answers(what, 0, snd_pcm_hw_params(pcm, params));
}

constexpr int kNoConversion =
    SND_PCM_NO_AUTO_RESAMPLE | SND_PCM_NO_AUTO_CHANNELS | SND_PCM_NO_AUTO_FORMAT;

template <int mode>
void Mode(const Bench& bench) {
    IsPartOf(Offered(bench, mode), Offered(bench, 0));
    TakesTheFirst(bench, mode);
}

void SameRates(const Bench& bench) {
    const Space by_mode = Offered(bench, SND_PCM_NO_AUTO_RESAMPLE);
    const Space by_flag = Offered(bench, 0, 0);
    Answers("the least rate", by_mode.rate_min, by_flag.rate_min);
    Answers("the greatest rate", by_mode.rate_max, by_flag.rate_max);
}

/** Whatever was narrowed before: the flag may also come last. */
void FlagComesLast(const Bench& bench) {
    const Space native = Offered(bench, 0, 0);
    const Pcm pcm{bench};
    const HwParams params;
    Succeeds("hw_params_any", snd_pcm_hw_params_any(pcm, params));
    Answers("set_rate_min", 0,
            snd_pcm_hw_params_set_rate(pcm, params, native.rate_min, 0));
    Answers("set_rate_resample(0)", 0,
            snd_pcm_hw_params_set_rate_resample(pcm, params, 0));
    Answers("hw_params", 0, snd_pcm_hw_params(pcm, params));
}

void NearIsNative(const Bench& bench) {
    const Space native = Offered(bench, 0, 0);
    for (const unsigned wanted : {8000U, 44100U, 48000U, 96000U, 192000U}) {
        const Pcm pcm{bench};
        const HwParams params;
        Succeeds("hw_params_any", snd_pcm_hw_params_any(pcm, params));
        snd_pcm_hw_params_set_rate_resample(pcm, params, 0);
        unsigned rate = wanted;
        Answers("set_rate_near", 0,
                snd_pcm_hw_params_set_rate_near(pcm, params, &rate, nullptr));
        Between("the rate", native.rate_min, native.rate_max, rate);
        Answers("hw_params", 0, snd_pcm_hw_params(pcm, params));
        unsigned set = 0;
        snd_pcm_hw_params_get_rate(params, &set, nullptr);
        Answers("the rate that is set", rate, set);
    }
}

constexpr auto kEach = Where::kEach;

constexpr Row kRows[] = {
    {"native.rate", "opened with NO_AUTO_RESAMPLE it offers and takes a rate", kEach,
     Mode<SND_PCM_NO_AUTO_RESAMPLE>},
    {"native.channels", "opened with NO_AUTO_CHANNELS it offers and takes a count", kEach,
     Mode<SND_PCM_NO_AUTO_CHANNELS>},
    {"native.format", "opened with NO_AUTO_FORMAT it offers and takes a format", kEach,
     Mode<SND_PCM_NO_AUTO_FORMAT>},
    {"native.all", "opened with all three it can be set up", kEach, Mode<kNoConversion>},
    {"native.flag", "set_rate_resample(0) offers the rates of NO_AUTO_RESAMPLE", kEach,
     SameRates},
    {"native.flag_last", "set_rate_resample(0) is taken after a rate that it offers",
     kEach, FlagComesLast},
    {"native.near", "after set_rate_resample(0) set_rate_near answers what is set", kEach,
     NearIsNative},
};

}  // namespace

std::span<const Row> NativeRows() {
    return kRows;
}

}  // namespace shmd::conformance
