#include "device/wav_format.h"

#include <array>
#include <cassert>

#include <sndfile.h>

namespace shmd::device {

namespace {

using audio::SampleFormat;

enum class Order : uint8_t { kLittle, kBig };

struct WavForm {
    int subtype;
    uint8_t bytes;
    Order order;
    /** Turned in each byte: the sign bit where 8 bits change between S8 and U8. */
    uint8_t flip = 0;
};

/** By SampleFormat, from 1. */
constexpr std::array<WavForm, audio::kFormatCount> kForms{{
    {SF_FORMAT_PCM_U8, 1, Order::kLittle},
    {SF_FORMAT_PCM_U8, 1, Order::kLittle, 0x80},
    {SF_FORMAT_PCM_16, 2, Order::kLittle},
    {SF_FORMAT_PCM_16, 2, Order::kBig},
    {SF_FORMAT_PCM_24, 3, Order::kLittle},
    {SF_FORMAT_PCM_24, 3, Order::kBig},
    {SF_FORMAT_PCM_24, 3, Order::kLittle},
    {SF_FORMAT_PCM_24, 3, Order::kBig},
    {SF_FORMAT_PCM_32, 4, Order::kLittle},
    {SF_FORMAT_PCM_32, 4, Order::kBig},
    {SF_FORMAT_FLOAT, 4, Order::kLittle},
    {SF_FORMAT_FLOAT, 4, Order::kBig},
    {SF_FORMAT_DOUBLE, 8, Order::kLittle},
    {SF_FORMAT_DOUBLE, 8, Order::kBig},
}};
static_assert(static_cast<int>(SampleFormat::kFloat64Be) == audio::kFormatCount);

const WavForm& FormOf(SampleFormat format) noexcept {
    return kForms[static_cast<size_t>(format) - 1];
}

}  // namespace

int WavSubtype(SampleFormat format) noexcept {
    return FormOf(format).subtype;
}

uint32_t WavSampleBytes(SampleFormat format) noexcept {
    return FormOf(format).bytes;
}

bool IsWavLayout(SampleFormat format) noexcept {
    const WavForm& form = FormOf(format);
    return form.order == Order::kLittle && form.flip == 0 &&
           form.bytes == audio::SampleBytes(format);
}

void ConvertToWav(SampleFormat format, std::span<const std::byte> samples,
                  std::span<std::byte> wav) noexcept {
    const WavForm& form = FormOf(format);
    const size_t in_bytes = audio::SampleBytes(format);
    assert(samples.size() % in_bytes == 0 &&
           samples.size() / in_bytes * form.bytes == wav.size());
    const std::byte flip{form.flip};
    // Byte k of the file's sample, counted from the least: S24 in 4 bytes drops its last.
    const bool big = form.order == Order::kBig;
    size_t out = 0;
    for (size_t in = 0; in < samples.size(); in += in_bytes)
        for (size_t k = 0; k < form.bytes; ++k)
            wav[out++] = samples[in + (big ? in_bytes - 1 - k : k)] ^ flip;
}

SampleFormat FormatOfSoundFile(int sndfile_format) noexcept {
    switch (sndfile_format & SF_FORMAT_SUBMASK) {
        case SF_FORMAT_PCM_U8:
            return SampleFormat::kU8;
        case SF_FORMAT_PCM_S8:
            return SampleFormat::kS8;
        case SF_FORMAT_PCM_16:
            return SampleFormat::kS16Le;
        case SF_FORMAT_PCM_24:
            return SampleFormat::kS24_3Le;
        case SF_FORMAT_PCM_32:
            return SampleFormat::kS32Le;
        case SF_FORMAT_DOUBLE:
            return SampleFormat::kFloat64Le;
        default:
            return SampleFormat::kFloatLe;
    }
}

}  // namespace shmd::device
