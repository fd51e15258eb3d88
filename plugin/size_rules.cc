#include "plugin/size_rules.h"

#include "plugin/whole_sizes.h"

namespace shmd::plugin {

namespace {

constexpr int kMostRounds = 4;

// The ends of alsa-lib's ranges may be open: a direction above 0 means more than the
// number, a direction below 0 less.
uint64_t RoundedUp(uint64_t value, int direction) noexcept {
    return direction > 0 ? value + 1 : value;
}

uint64_t RoundedDown(uint64_t value, int direction) noexcept {
    return direction < 0 && value > 0 ? value - 1 : value;
}

WholeRange PeriodRange(const snd_pcm_hw_params_t* params) noexcept {
    snd_pcm_uframes_t least = 0;
    snd_pcm_uframes_t most = 0;
    int from = 0;
    int to = 0;
    snd_pcm_hw_params_get_period_size_min(params, &least, &from);
    snd_pcm_hw_params_get_period_size_max(params, &most, &to);
    return {RoundedUp(least, from), RoundedDown(most, to)};
}

/** Whether one of its ends is no whole number, such as 1102.5. */
bool HasOpenPeriod(const snd_pcm_hw_params_t* params) noexcept {
    snd_pcm_uframes_t frames = 0;
    int from = 0;
    int to = 0;
    snd_pcm_hw_params_get_period_size_min(params, &frames, &from);
    snd_pcm_hw_params_get_period_size_max(params, &frames, &to);
    return from != 0 || to != 0;
}

WholeRange PeriodsRange(const snd_pcm_hw_params_t* params) noexcept {
    unsigned least = 0;
    unsigned most = 0;
    int from = 0;
    int to = 0;
    snd_pcm_hw_params_get_periods_min(params, &least, &from);
    snd_pcm_hw_params_get_periods_max(params, &most, &to);
    return {RoundedUp(least, from), RoundedDown(most, to)};
}

WholeRange BufferRange(const snd_pcm_hw_params_t* params) noexcept {
    snd_pcm_uframes_t least = 0;
    snd_pcm_uframes_t most = 0;
    snd_pcm_hw_params_get_buffer_size_min(params, &least);
    snd_pcm_hw_params_get_buffer_size_max(params, &most);
    return {least, most};
}

// Each of these refines again, and changes nothing if no choice would remain.

void NarrowPeriod(snd_pcm_t* pcm, snd_pcm_hw_params_t* params,
                  const WholeRange& range) noexcept {
    auto least = static_cast<snd_pcm_uframes_t>(range.least);
    auto most = static_cast<snd_pcm_uframes_t>(range.most);
    int from = 0;
    int to = 0;
    snd_pcm_hw_params_set_period_size_minmax(pcm, params, &least, &from, &most, &to);
}

void NarrowPeriods(snd_pcm_t* pcm, snd_pcm_hw_params_t* params,
                   const WholeRange& range) noexcept {
    auto least = static_cast<unsigned>(range.least);
    auto most = static_cast<unsigned>(range.most);
    int from = 0;
    int to = 0;
    snd_pcm_hw_params_set_periods_minmax(pcm, params, &least, &from, &most, &to);
}

void NarrowBuffer(snd_pcm_t* pcm, snd_pcm_hw_params_t* params,
                  const WholeRange& range) noexcept {
    auto least = static_cast<snd_pcm_uframes_t>(range.least);
    auto most = static_cast<snd_pcm_uframes_t>(range.most);
    snd_pcm_hw_params_set_buffer_size_minmax(pcm, params, &least, &most);
}

void LimitBufferTime(snd_pcm_t* pcm, snd_pcm_hw_params_t* params,
                     unsigned most_us) noexcept {
    unsigned us = 0;
    int to = 0;
    snd_pcm_hw_params_get_buffer_time_max(params, &us, &to);
    if (us <= most_us) return;
    us = most_us;
    to = 0;
    snd_pcm_hw_params_set_buffer_time_max(pcm, params, &us, &to);
}

}  // namespace

void PreferUsualSizes(snd_pcm_t* pcm, snd_pcm_hw_params_t* params,
                      unsigned most_buffer_us) noexcept {
    LimitBufferTime(pcm, params, most_buffer_us);
    // By alsa-lib's rules each narrowing narrows the rest.
    for (int i = 0; i < kMostRounds; ++i) {
        const SizeSpace space{PeriodRange(params), PeriodsRange(params),
                              BufferRange(params)};
        const auto whole = FindWholeSizes(space);
        if (!whole) return;
        if (whole->period_frames != space.period_frames || HasOpenPeriod(params))
            NarrowPeriod(pcm, params, whole->period_frames);
        if (whole->periods != space.periods) NarrowPeriods(pcm, params, whole->periods);
        if (whole->buffer_frames != space.buffer_frames)
            NarrowBuffer(pcm, params, whole->buffer_frames);
        if (*whole == space) return;
    }
}

}  // namespace shmd::plugin
