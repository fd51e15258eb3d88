// hw_params: sizes, and how often and when they may be set.

#include "pcm.h"

#include <algorithm>
#include <random>

namespace shmd::conformance {

namespace {

using Frames = snd_pcm_uframes_t;

/** All that is possible, with the usual access, format, channels and rate. */
void Begin(const Pcm& pcm, const HwParams& params) {
    Succeeds("hw_params_any", snd_pcm_hw_params_any(pcm, params));
    snd_pcm_hw_params_set_access(pcm, params, SND_PCM_ACCESS_RW_INTERLEAVED);
    snd_pcm_hw_params_set_format(pcm, params, SND_PCM_FORMAT_S16_LE);
    snd_pcm_hw_params_set_channels(pcm, params, 2);
    Answers("set_rate 48000", 0, snd_pcm_hw_params_set_rate(pcm, params, 48000, 0));
}

Frames PeriodOf(const HwParams& params) {
    Frames period = 0;
    Answers("get_period_size", 0,
            snd_pcm_hw_params_get_period_size(params, &period, nullptr));
    return period;
}

Frames BufferOf(const HwParams& params) {
    Frames buffer = 0;
    Answers("get_buffer_size", 0, snd_pcm_hw_params_get_buffer_size(params, &buffer));
    return buffer;
}

long Signed(Frames frames) {
    return static_cast<long>(frames);
}

struct Limits {
    Frames period_min = 0, period_max = 0, buffer_min = 0, buffer_max = 0;
    unsigned periods_min = 0, periods_max = 0;
};

Limits LimitsOf(const HwParams& params) {
    Limits limits;
    snd_pcm_hw_params_get_period_size_min(params, &limits.period_min, nullptr);
    snd_pcm_hw_params_get_period_size_max(params, &limits.period_max, nullptr);
    snd_pcm_hw_params_get_buffer_size_min(params, &limits.buffer_min);
    snd_pcm_hw_params_get_buffer_size_max(params, &limits.buffer_max);
    snd_pcm_hw_params_get_periods_min(params, &limits.periods_min, nullptr);
    snd_pcm_hw_params_get_periods_max(params, &limits.periods_max, nullptr);
    return limits;
}

void LeastAndMost(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams params;
    Begin(pcm, params);
    const Limits limits = LimitsOf(params);
    Between("the least period", 1, Signed(limits.period_max), Signed(limits.period_min));
    Between("the least buffer", Signed(limits.period_min), Signed(limits.buffer_max),
            Signed(limits.buffer_min));
    Between("the least number of periods", 1, limits.periods_max, limits.periods_min);
    PassWith("period " + std::to_string(limits.period_min) + " to " +
             std::to_string(limits.period_max) + ", buffer " +
             std::to_string(limits.buffer_min) + " to " +
             std::to_string(limits.buffer_max) + ", periods " +
             std::to_string(limits.periods_min) + " to " +
             std::to_string(limits.periods_max));
}

void LeastIsTaken(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams params;
    Begin(pcm, params);
    const Frames least = LimitsOf(params).period_min;
    Answers("set_period_size of the least", 0,
            snd_pcm_hw_params_set_period_size(pcm, params, least, 0));
    Answers("hw_params", 0, snd_pcm_hw_params(pcm, params));
    Answers("the period", Signed(least), Signed(PeriodOf(params)));
}

void MostIsTaken(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams params;
    Begin(pcm, params);
    const Frames most = LimitsOf(params).buffer_max;
    Answers("set_buffer_size of the greatest", 0,
            snd_pcm_hw_params_set_buffer_size(pcm, params, most));
    Answers("hw_params", 0, snd_pcm_hw_params(pcm, params));
    Answers("the buffer", Signed(most), Signed(BufferOf(params)));
}

void Sixteen(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams params;
    Begin(pcm, params);
    const Frames least = LimitsOf(params).period_min;
    if (least > 16) Skip("the least period is " + std::to_string(least) + " frames");
    Answers("set_period_size 16", 0,
            snd_pcm_hw_params_set_period_size(pcm, params, 16, 0));
    Answers("set_periods 64", 0, snd_pcm_hw_params_set_periods(pcm, params, 64, 0));
    Answers("hw_params", 0, snd_pcm_hw_params(pcm, params));
    Answers("the period", 16, Signed(PeriodOf(params)));
    Answers("the buffer", 1024, Signed(BufferOf(params)));
}

template <Frames period, unsigned periods>
void Periods(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams params;
    Begin(pcm, params);
    if (const int answer = snd_pcm_hw_params_set_period_size(pcm, params, period, 0))
        Skip("the PCM has no such period: " + Words(answer));
    Answers("set_periods", 0, snd_pcm_hw_params_set_periods(pcm, params, periods, 0));
    Answers("hw_params", 0, snd_pcm_hw_params(pcm, params));
    Answers("the period", period, Signed(PeriodOf(params)));
    Answers("the buffer", period * periods, Signed(BufferOf(params)));
}

void RequireWhole(const Pcm& pcm, const HwParams& params, const std::string& asked) {
    Answers("hw_params after " + asked, 0, snd_pcm_hw_params(pcm, params));
    const Frames rest = BufferOf(params) % PeriodOf(params);
    if (rest != 0)
        Fail("asked for " + asked + ", got the period " +
             std::to_string(PeriodOf(params)) + " and the buffer " +
             std::to_string(BufferOf(params)) + ", which is not whole periods");
}

void WholePeriods(const Bench& bench) {
    Pcm pcm{bench};
    std::mt19937 random{1};
    for (int i = 0; i < 40; ++i) {
        const HwParams params;
        Begin(pcm, params);
        Frames period = 20 + random() % 4000;
        Frames buffer = period * 2 + random() % 20000;
        const std::string asked = (i % 2 ? "period " : "buffer first, period ") +
                                  std::to_string(period) + " and buffer " +
                                  std::to_string(buffer);
        if (i % 2) snd_pcm_hw_params_set_period_size_near(pcm, params, &period, nullptr);
        snd_pcm_hw_params_set_buffer_size_near(pcm, params, &buffer);
        if (i % 4 == 2)
            snd_pcm_hw_params_set_period_size_near(pcm, params, &period, nullptr);
        RequireWhole(pcm, params, asked);
    }
}

void Times(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams params;
    Begin(pcm, params);
    unsigned period_us = 10000;
    unsigned buffer_us = 80000;
    Answers("set_period_time_near", 0,
            snd_pcm_hw_params_set_period_time_near(pcm, params, &period_us, nullptr));
    Answers("set_buffer_time_near", 0,
            snd_pcm_hw_params_set_buffer_time_near(pcm, params, &buffer_us, nullptr));
    Answers("hw_params", 0, snd_pcm_hw_params(pcm, params));
    snd_pcm_hw_params_get_period_time(params, &period_us, nullptr);
    snd_pcm_hw_params_get_buffer_time(params, &buffer_us, nullptr);
    const auto us = [](Frames frames) { return Signed(frames * 1000000 / 48000); };
    Between("the period in microseconds", us(PeriodOf(params)), us(PeriodOf(params)) + 1,
            period_us);
    Between("the buffer in microseconds", us(BufferOf(params)), us(BufferOf(params)) + 1,
            buffer_us);
}

void Current(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const HwParams params;
    Answers("hw_params_current", 0, snd_pcm_hw_params_current(pcm, params));
    snd_pcm_access_t access{};
    snd_pcm_format_t format{};
    unsigned channels = 0;
    unsigned rate = 0;
    snd_pcm_hw_params_get_access(params, &access);
    snd_pcm_hw_params_get_format(params, &format);
    snd_pcm_hw_params_get_channels(params, &channels);
    snd_pcm_hw_params_get_rate(params, &rate, nullptr);
    Answers("the access", SND_PCM_ACCESS_RW_INTERLEAVED, access);
    Answers("the format", SND_PCM_FORMAT_S16_LE, format);
    Answers("the channels", 2, channels);
    Answers("the rate", 48000, rate);
    Answers("the period", pcm.Period(), Signed(PeriodOf(params)));
    Answers("the buffer", pcm.Buffer(), Signed(BufferOf(params)));
}

void CurrentBefore(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams params;
    Answers("hw_params_current while OPEN", -EBADFD,
            snd_pcm_hw_params_current(pcm, params));
}

void GetParams(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Frames buffer = 0;
    Frames period = 0;
    Answers("snd_pcm_get_params", 0, snd_pcm_get_params(pcm, &buffer, &period));
    Answers("the period", pcm.Period(), Signed(period));
    Answers("the buffer", pcm.Buffer(), Signed(buffer));
}

void SetParams(const Bench& bench) {
    Pcm pcm{bench};
    Answers("snd_pcm_set_params", 0,
            snd_pcm_set_params(pcm, SND_PCM_FORMAT_S16_LE, SND_PCM_ACCESS_RW_INTERLEAVED,
                               2, 48000, 0, 100000));
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after snd_pcm_set_params");
}

void RequireMoves(Pcm& pcm) {
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after hw_params");
    pcm.Run();
    if (!pcm.IsPlayback()) pcm.ReadAll(pcm.Period());
}

template <unsigned rate, unsigned channels>
void Twice(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Set({.channels = channels, .rate = rate, .period = 1764, .periods = 8});
    RequireMoves(pcm);
}

template <unsigned rate, unsigned channels>
void AfterFree(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("hw_free", 0, snd_pcm_hw_free(pcm));
    pcm.Set({.channels = channels, .rate = rate, .period = 1764, .periods = 8});
    RequireMoves(pcm);
}

void AfterDrop(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    Answers("drop", 0, snd_pcm_drop(pcm));
    pcm.Set({.period = 1764, .periods = 8});
    RequireMoves(pcm);
}

void FreeIsOpen(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("hw_free", 0, snd_pcm_hw_free(pcm));
    pcm.ExpectState(SND_PCM_STATE_OPEN, "after snd_pcm_hw_free");
}

void FreeWhenOpen(const Bench& bench) {
    Pcm pcm{bench};
    Answers("hw_free while OPEN", 0, snd_pcm_hw_free(pcm));
    pcm.Set({});
}

void FreeRunning(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    Answers("hw_free while RUNNING", -EBADFD, snd_pcm_hw_free(pcm));
}

void FreeAfterDrop(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    Answers("drop", 0, snd_pcm_drop(pcm));
    Answers("hw_free while SETUP", 0, snd_pcm_hw_free(pcm));
}

void WhileRunning(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    const HwParams params;
    Begin(pcm, params);
    Answers("hw_params while RUNNING", -EBADFD, snd_pcm_hw_params(pcm, params));
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after that");
}

void NoChoice(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams params;
    Succeeds("hw_params_any", snd_pcm_hw_params_any(pcm, params));
    Answers("hw_params of what hw_params_any gave", 0, snd_pcm_hw_params(pcm, params));
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after snd_pcm_hw_params");
}

void Prepared(const Bench& bench) {
    Pcm pcm{bench};
    pcm.ExpectState(SND_PCM_STATE_OPEN, "after snd_pcm_open");
    pcm.Set({});
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after snd_pcm_hw_params");
}

void Impossible(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams params;
    Begin(pcm, params);
    const Frames most = LimitsOf(params).buffer_max;
    Answers("set_buffer_size of more than the greatest", -EINVAL,
            snd_pcm_hw_params_set_buffer_size(pcm, params, most + 1));
    Answers("set_channels 0", -EINVAL, snd_pcm_hw_params_set_channels(pcm, params, 0));
    Answers("set_rate 1", -EINVAL, snd_pcm_hw_params_set_rate(pcm, params, 1, 0));
    pcm.Set({});
}

constexpr auto kEach = Where::kEach;

constexpr Row kRows[] = {
    {"hw_params.limits", "the least sizes are no greater than the greatest", kEach,
     LeastAndMost},
    {"hw_params.least", "the least period can be set", kEach, LeastIsTaken},
    {"hw_params.most", "the greatest buffer can be set", kEach, MostIsTaken},
    {"hw_params.period_16", "64 periods of 16 frames", kEach, Sixteen},
    {"hw_params.periods_3x441", "three periods of 441 frames are that, exactly", kEach,
     Periods<441, 3>},
    {"hw_params.periods_5x1000", "five periods of 1000 frames are that, exactly", kEach,
     Periods<1000, 5>},
    {"hw_params.periods_7x333", "seven periods of 333 frames are that, exactly", kEach,
     Periods<333, 7>},
    {"hw_params.periods_2x2048", "two periods of 2048 frames are that, exactly", kEach,
     Periods<2048, 2>},
    {"hw_params.whole_periods", "whatever is asked for, the buffer is whole periods",
     kEach, WholePeriods},
    {"hw_params.times", "times in microseconds are those of the sizes", kEach, Times},
    {"hw_params.current", "hw_params_current returns what was set", kEach, Current},
    {"hw_params.current_open", "hw_params_current before hw_params answers -EBADFD",
     kEach, CurrentBefore},
    {"hw_params.get_params", "snd_pcm_get_params returns the sizes", kEach, GetParams},
    {"hw_params.set_params", "snd_pcm_set_params makes it PREPARED", kEach, SetParams},
    {"hw_params.twice", "other sizes may be set while PREPARED", kEach, Twice<48000, 2>},
    {"hw_params.twice_other", "another rate and channels may be set while PREPARED",
     kEach, Twice<44100, 1>},
    {"hw_params.after_drop", "other sizes may be set after drop", kEach, AfterDrop},
    {"hw_params.after_free", "other sizes may be set after hw_free", kEach,
     AfterFree<48000, 2>},
    {"hw_params.after_free_other", "another rate and channels may be set after hw_free",
     kEach, AfterFree<44100, 1>},
    {"hw_params.running", "hw_params while RUNNING answers -EBADFD and it goes on", kEach,
     WhileRunning},
    {"hw_params.no_choice", "with all left open, some parameters are chosen", kEach,
     NoChoice},
    {"hw_params.prepared", "hw_params goes from OPEN to PREPARED", kEach, Prepared},
    {"hw_params.impossible", "what is impossible is -EINVAL, and does no harm", kEach,
     Impossible},
    {"hw_free.state", "after hw_free it is OPEN", kEach, FreeIsOpen},
    {"hw_free.open", "hw_free while OPEN answers 0, and does no harm", kEach,
     FreeWhenOpen},
    {"hw_free.running", "hw_free while RUNNING answers -EBADFD", kEach, FreeRunning},
    {"hw_free.setup", "hw_free after drop answers 0", kEach, FreeAfterDrop},
};

}  // namespace

std::span<const Row> ParamsRows() {
    return kRows;
}

}  // namespace shmd::conformance
