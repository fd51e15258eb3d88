#include "plugin/pcm_params.h"

#include "audio/format.h"
#include "base/error.h"
#include "wire/limits.h"

#include <array>
#include <cerrno>

namespace shmd::plugin {

namespace {

using audio::SampleFormat;

struct FormatPair {
    snd_pcm_format_t alsa;
    SampleFormat ours;
};

constexpr std::array<FormatPair, audio::kFormatCount> kFormats{{
    {SND_PCM_FORMAT_U8, SampleFormat::kU8},
    {SND_PCM_FORMAT_S8, SampleFormat::kS8},
    {SND_PCM_FORMAT_S16_LE, SampleFormat::kS16Le},
    {SND_PCM_FORMAT_S16_BE, SampleFormat::kS16Be},
    {SND_PCM_FORMAT_S24_LE, SampleFormat::kS24Le},
    {SND_PCM_FORMAT_S24_BE, SampleFormat::kS24Be},
    {SND_PCM_FORMAT_S24_3LE, SampleFormat::kS24_3Le},
    {SND_PCM_FORMAT_S24_3BE, SampleFormat::kS24_3Be},
    {SND_PCM_FORMAT_S32_LE, SampleFormat::kS32Le},
    {SND_PCM_FORMAT_S32_BE, SampleFormat::kS32Be},
    {SND_PCM_FORMAT_FLOAT_LE, SampleFormat::kFloatLe},
    {SND_PCM_FORMAT_FLOAT_BE, SampleFormat::kFloatBe},
    {SND_PCM_FORMAT_FLOAT64_LE, SampleFormat::kFloat64Le},
    {SND_PCM_FORMAT_FLOAT64_BE, SampleFormat::kFloat64Be},
}};

constexpr std::array<unsigned, 4> kAccesses{
    SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_RW_NONINTERLEAVED,
    SND_PCM_ACCESS_MMAP_INTERLEAVED, SND_PCM_ACCESS_MMAP_NONINTERLEAVED};

SampleFormat RequireFormat(snd_pcm_format_t format) {
    for (const FormatPair& pair : kFormats)
        if (pair.alsa == format) return pair.ours;
    base::ThrowError(EINVAL, "a format that was not offered");
}

int OfferFormats(snd_pcm_ioplug_t& io) {
    std::array<unsigned, kFormats.size()> list{};
    for (size_t i = 0; i < list.size(); ++i)
        list[i] = static_cast<unsigned>(kFormats[i].alsa);
    return snd_pcm_ioplug_set_param_list(&io, SND_PCM_IOPLUG_HW_FORMAT, list.size(),
                                         list.data());
}

}  // namespace

snd_pcm_format_t FindAlsaFormat(uint8_t wire_number) {
    for (const FormatPair& pair : kFormats)
        if (static_cast<uint8_t>(pair.ours) == wire_number) return pair.alsa;
    return SND_PCM_FORMAT_UNKNOWN;
}

int OfferParams(snd_pcm_ioplug_t& io, unsigned most_channels) {
    struct Range {
        int parameter;
        unsigned least, most;
    };
    constexpr auto kMostBytes = static_cast<unsigned>(wire::kRingBytes);
    const std::array<Range, 5> ranges{{
        {SND_PCM_IOPLUG_HW_CHANNELS, 1, most_channels},
        {SND_PCM_IOPLUG_HW_RATE, wire::kMinRateHz, wire::kMaxRateHz},
        {SND_PCM_IOPLUG_HW_PERIOD_BYTES, wire::kMinPeriodBytes,
         kMostBytes / wire::kMinPeriods},
        {SND_PCM_IOPLUG_HW_BUFFER_BYTES, wire::kMinPeriodBytes * wire::kMinPeriods,
         kMostBytes},
        {SND_PCM_IOPLUG_HW_PERIODS, wire::kMinPeriods, wire::kMaxPeriods},
    }};
    int error = snd_pcm_ioplug_set_param_list(&io, SND_PCM_IOPLUG_HW_ACCESS,
                                              kAccesses.size(), kAccesses.data());
    if (error >= 0) error = OfferFormats(io);
    for (const Range& range : ranges)
        if (error >= 0)
            error = snd_pcm_ioplug_set_param_minmax(&io, range.parameter, range.least,
                                                    range.most);
    return error;
}

client::Stream::Params ChosenParams(const snd_pcm_ioplug_t& io) {
    const SampleFormat format = RequireFormat(io.format);
    return {.format = static_cast<uint8_t>(format),
            .rate_hz = io.rate,
            .channels = io.channels,
            .frame_bytes = audio::SampleBytes(format) * io.channels,
            .period_frames = static_cast<uint32_t>(io.period_size),
            .buffer_frames = static_cast<uint32_t>(io.buffer_size),
            .channel_map = {}};
}

}  // namespace shmd::plugin
