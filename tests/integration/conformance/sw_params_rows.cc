// sw_params: defaults, values that come back, and when they may be set.

#include "pcm.h"

namespace shmd::conformance {

namespace {

using Frames = snd_pcm_uframes_t;
using Getter = int (*)(const snd_pcm_sw_params_t*, Frames*);

long Get(const SwParams& params, Getter getter) {
    Frames value = 0;
    Answers("a getter of sw_params", 0, getter(params, &value));
    return static_cast<long>(value);
}

void TakeCurrent(const Pcm& pcm, const SwParams& params) {
    Answers("sw_params_current", 0, snd_pcm_sw_params_current(pcm, params));
}

void Defaults(const Bench& bench) {
    Pcm pcm{bench};
    const HwParams hw;
    Succeeds("hw_params_any", snd_pcm_hw_params_any(pcm, hw));
    Answers("hw_params", 0, snd_pcm_hw_params(pcm, hw));
    Frames period = 0;
    Frames buffer = 0;
    Answers("snd_pcm_get_params", 0, snd_pcm_get_params(pcm, &buffer, &period));
    const SwParams sw;
    TakeCurrent(pcm, sw);
    Answers("avail_min", static_cast<long>(period),
            Get(sw, snd_pcm_sw_params_get_avail_min));
    Answers("start_threshold", 1, Get(sw, snd_pcm_sw_params_get_start_threshold));
    Answers("stop_threshold", static_cast<long>(buffer),
            Get(sw, snd_pcm_sw_params_get_stop_threshold));
    Answers("silence_size", 0, Get(sw, snd_pcm_sw_params_get_silence_size));
}

void Boundary(const Bench& bench) {
    Pcm pcm{bench, Shape{.period = 1000, .periods = 5}};
    const auto boundary = static_cast<long>(pcm.Boundary());
    Expect(boundary > pcm.Buffer(), "a boundary of more than the buffer");
    Answers("the boundary modulo the buffer", 0, boundary % pcm.Buffer());
}

void Values(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const long avail_min = 2 * pcm.Period() + 89;
    pcm.SetThresholds(
        {.start = 123, .stop = 4567, .avail_min = static_cast<Frames>(avail_min)});
    const SwParams params;
    TakeCurrent(pcm, params);
    Answers("start_threshold", 123, Get(params, snd_pcm_sw_params_get_start_threshold));
    Answers("stop_threshold", 4567, Get(params, snd_pcm_sw_params_get_stop_threshold));
    Answers("avail_min", avail_min, Get(params, snd_pcm_sw_params_get_avail_min));
}

/** snd_pcm_sw_params_set_avail_min raises what is less than a period to that. */
template <Frames wanted>
void AvailMinLeast(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.avail_min = wanted}};
    const SwParams params;
    TakeCurrent(pcm, params);
    Answers("avail_min", pcm.Period(), Get(params, snd_pcm_sw_params_get_avail_min));
}

void Running(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    pcm.SetThresholds({.stop = kBoundary, .avail_min = kBuffer});
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after sw_params");
    const SwParams params;
    TakeCurrent(pcm, params);
    Answers("avail_min", pcm.Buffer(), Get(params, snd_pcm_sw_params_get_avail_min));
}

void StopLowered(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.Run();
    pcm.SetThresholds({.stop = 16});
    WaitUntil("the lowered stop_threshold makes an XRUN", [&] {
        snd_pcm_avail(pcm);
        return pcm.State() == SND_PCM_STATE_XRUN;
    });
}

void Open(const Bench& bench) {
    Pcm pcm{bench};
    const SwParams params;
    Answers("sw_params_current while OPEN", {-EIO, -EBADFD},
            snd_pcm_sw_params_current(pcm, params));
}

void SilenceValues(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const SwParams params;
    TakeCurrent(pcm, params);
    const auto period = static_cast<Frames>(pcm.Period());
    snd_pcm_sw_params_set_silence_threshold(pcm, params, 2 * period);
    snd_pcm_sw_params_set_silence_size(pcm, params, period);
    Answers("sw_params", 0, snd_pcm_sw_params(pcm, params));
    TakeCurrent(pcm, params);
    Answers("silence_threshold", 2 * pcm.Period(),
            Get(params, snd_pcm_sw_params_get_silence_threshold));
    Answers("silence_size", pcm.Period(),
            Get(params, snd_pcm_sw_params_get_silence_size));
}

void SilenceBoundary(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}, {.stop = kBoundary}};
    const SwParams params;
    TakeCurrent(pcm, params);
    snd_pcm_sw_params_set_silence_threshold(pcm, params, 0);
    snd_pcm_sw_params_set_silence_size(pcm, params, pcm.Boundary());
    Answers("sw_params", 0, snd_pcm_sw_params(pcm, params));
    pcm.WriteAll(pcm.Period());
    pcm.Start();
    WaitUntil("it has played a buffer of silence",
              [&] { return pcm.Position() > pcm.Period() + pcm.Buffer(); });
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "then");
}

void SilenceTooMuch(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const SwParams params;
    TakeCurrent(pcm, params);
    snd_pcm_sw_params_set_silence_threshold(pcm, params, 10);
    snd_pcm_sw_params_set_silence_size(pcm, params, 20);
    const int answer = snd_pcm_sw_params(pcm, params);
    if (answer == 0 && pcm.IsIoplug())
        PassWith("taken: alsa-lib itself does not check it");
    Answers("sw_params with silence_size > silence_threshold", -EINVAL, answer);
}

template <snd_pcm_tstamp_type_t type>
void TstampType(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const SwParams params;
    TakeCurrent(pcm, params);
    Answers("set_tstamp_type", 0, snd_pcm_sw_params_set_tstamp_type(pcm, params, type));
    Answers("set_tstamp_mode", 0,
            snd_pcm_sw_params_set_tstamp_mode(pcm, params, SND_PCM_TSTAMP_ENABLE));
    Answers("sw_params", 0, snd_pcm_sw_params(pcm, params));
    TakeCurrent(pcm, params);
    snd_pcm_tstamp_type_t type_seen{};
    snd_pcm_tstamp_t mode_seen{};
    snd_pcm_sw_params_get_tstamp_type(params, &type_seen);
    snd_pcm_sw_params_get_tstamp_mode(params, &mode_seen);
    Answers("tstamp_type", type, type_seen);
    Answers("tstamp_mode", SND_PCM_TSTAMP_ENABLE, mode_seen);
}

void PeriodEvent(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const SwParams params;
    TakeCurrent(pcm, params);
    Answers("set_period_event", 0, snd_pcm_sw_params_set_period_event(pcm, params, 1));
    Answers("sw_params", 0, snd_pcm_sw_params(pcm, params));
    TakeCurrent(pcm, params);
    int event = 0;
    snd_pcm_sw_params_get_period_event(params, &event);
    Answers("period_event", 1, event);
    pcm.Run();
    Expect((pcm.Poll(10000) & pcm.Ready()) != 0, "an event at the end of a period");
}

constexpr auto kEach = Where::kEach;

constexpr Row kRows[] = {
    {"sw_params.defaults",
     "hw_params sets avail_min to a period, start_threshold to 1, stop_threshold to the "
     "buffer, no silence",
     kEach, Defaults},
    {"sw_params.boundary", "the boundary is a multiple of the buffer", kEach, Boundary},
    {"sw_params.values", "thresholds that were set are returned", kEach, Values},
    {"sw_params.avail_min_0", "an avail_min of 0 becomes a period", kEach,
     AvailMinLeast<0>},
    {"sw_params.avail_min_1", "an avail_min of 1 becomes a period", kEach,
     AvailMinLeast<1>},
    {"sw_params.running", "thresholds may be changed while RUNNING", kEach, Running},
    {"sw_params.stop_lowered", "a stop_threshold lowered below avail makes an XRUN",
     kEach, StopLowered},
    {"sw_params.open", "before hw_params there are none", kEach, Open},
    {"silence.values", "silence_size and silence_threshold are returned",
     Where::kPlayback, SilenceValues},
    {"silence.boundary",
     "with silence_size and stop_threshold = boundary it plays on, past what was written",
     Where::kPlayback, SilenceBoundary},
    {"silence.too_much", "silence_size > silence_threshold answers -EINVAL",
     Where::kPlayback, SilenceTooMuch},
    {"tstamp_type.gettimeofday", "the type and mode that were set are returned", kEach,
     TstampType<SND_PCM_TSTAMP_TYPE_GETTIMEOFDAY>},
    {"tstamp_type.monotonic", "the type and mode that were set are returned", kEach,
     TstampType<SND_PCM_TSTAMP_TYPE_MONOTONIC>},
    {"tstamp_type.monotonic_raw", "the type and mode that were set are returned", kEach,
     TstampType<SND_PCM_TSTAMP_TYPE_MONOTONIC_RAW>},
    {"sw_params.period_event", "period_event is returned, and periods are events", kEach,
     PeriodEvent},
};

}  // namespace

std::span<const Row> SwParamsRows() {
    return kRows;
}

}  // namespace shmd::conformance
