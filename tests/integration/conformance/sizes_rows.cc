// What was answered is what is set, and what is plain is taken.

#include "pcm.h"

namespace shmd::conformance {

namespace {

struct Kind {
    snd_pcm_format_t format;
    unsigned channels;
    unsigned rate;

    std::string Words() const {
        return std::string{snd_pcm_format_name(format)} + ", " +
               std::to_string(channels) + " channels, " + std::to_string(rate) + " Hz";
    }
};

/** Those of these that the PCM has; `test` gets parameters with one of them set. */
void ForEachKind(const Bench& bench,
                 void (*test)(const Pcm& pcm, const HwParams& params, const Kind& kind)) {
    const Pcm pcm{bench};
    int found = 0;
    for (const snd_pcm_format_t format :
         {SND_PCM_FORMAT_U8, SND_PCM_FORMAT_S16_LE, SND_PCM_FORMAT_S24_3LE,
          SND_PCM_FORMAT_S32_LE, SND_PCM_FORMAT_FLOAT_LE})
        for (const unsigned channels : {1U, 2U, 3U, 5U, 6U, 8U})
            for (const unsigned rate : {8000U, 11025U, 22050U, 44100U, 48000U, 96000U}) {
                const HwParams params;
                Succeeds("hw_params_any", snd_pcm_hw_params_any(pcm, params));
                if (snd_pcm_hw_params_set_access(pcm, params,
                                                 SND_PCM_ACCESS_RW_INTERLEAVED) < 0 ||
                    snd_pcm_hw_params_set_format(pcm, params, format) < 0 ||
                    snd_pcm_hw_params_set_channels(pcm, params, channels) < 0 ||
                    snd_pcm_hw_params_set_rate(pcm, params, rate, 0) < 0)
                    continue;
                ++found;
                test(pcm, params, {format, channels, rate});
            }
    if (found == 0) Skip("the PCM has none of them");
}

void NothingAsked(const Pcm& pcm, const HwParams& params, const Kind& kind) {
    Answers("hw_params of " + kind.Words(), 0, snd_pcm_hw_params(pcm, params));
}

void Unasked(const Bench& bench) {
    ForEachKind(bench, NothingAsked);
}

void RequireAnswer(const Pcm& pcm, const HwParams& params, const std::string& what,
                   snd_pcm_uframes_t answered) {
    Answers("hw_params of " + what, 0, snd_pcm_hw_params(pcm, params));
    snd_pcm_uframes_t buffer = 0;
    Answers("get_buffer_size", 0, snd_pcm_hw_params_get_buffer_size(params, &buffer));
    Answers("the buffer of " + what, static_cast<long>(answered),
            static_cast<long>(buffer));
}

void BufferNear(const Pcm& pcm, const HwParams& params, const Kind& kind) {
    static unsigned turn = 0;
    constexpr snd_pcm_uframes_t kAsked[] = {1, 960, 1000, 4096, 4410, 4799, 7777, 12345};
    snd_pcm_uframes_t buffer = kAsked[turn++ % std::size(kAsked)];
    const std::string what = kind.Words() + ", a buffer near " + std::to_string(buffer);
    Answers("set_buffer_size_near of " + what, 0,
            snd_pcm_hw_params_set_buffer_size_near(pcm, params, &buffer));
    RequireAnswer(pcm, params, what, buffer);
}

void Near(const Bench& bench) {
    ForEachKind(bench, BufferNear);
}

void PeriodThenBuffer(const Pcm& pcm, const HwParams& params, const Kind& kind) {
    unsigned period_us = 5000;
    snd_pcm_uframes_t buffer = kind.rate;
    const std::string what = kind.Words() + ", 5 ms in a second";
    Answers("set_period_time_near of " + what, 0,
            snd_pcm_hw_params_set_period_time_near(pcm, params, &period_us, nullptr));
    Answers("set_buffer_size_near of " + what, 0,
            snd_pcm_hw_params_set_buffer_size_near(pcm, params, &buffer));
    RequireAnswer(pcm, params, what, buffer);
}

void Times(const Bench& bench) {
    ForEachKind(bench, PeriodThenBuffer);
}

constexpr Row kRows[] = {
    {"hw_params.unasked", "every plain format, channels and rate is set without sizes",
     Where::kEach, Unasked},
    {"hw_params.buffer_near", "what set_buffer_size_near answered is what is set",
     Where::kEach, Near},
    {"hw_params.period_then_buffer", "so too behind set_period_time_near", Where::kEach,
     Times},
};

}  // namespace

std::span<const Row> SizesRows() {
    return kRows;
}

}  // namespace shmd::conformance
