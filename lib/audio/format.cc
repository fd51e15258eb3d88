#include "audio/format.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace shmd::audio {
namespace {

struct FormatRow {
    SampleFormat format;
    std::string_view name;
    uint32_t bytes;
};

// In the order of the wire numbers, which start at 1. The names are
// snd_pcm_format_name's.
constexpr std::array<FormatRow, kFormatCount> kFormats{{
    {SampleFormat::kU8, "U8", 1},
    {SampleFormat::kS8, "S8", 1},
    {SampleFormat::kS16Le, "S16_LE", 2},
    {SampleFormat::kS16Be, "S16_BE", 2},
    {SampleFormat::kS24Le, "S24_LE", 4},
    {SampleFormat::kS24Be, "S24_BE", 4},
    {SampleFormat::kS24_3Le, "S24_3LE", 3},
    {SampleFormat::kS24_3Be, "S24_3BE", 3},
    {SampleFormat::kS32Le, "S32_LE", 4},
    {SampleFormat::kS32Be, "S32_BE", 4},
    {SampleFormat::kFloatLe, "FLOAT_LE", 4},
    {SampleFormat::kFloatBe, "FLOAT_BE", 4},
    {SampleFormat::kFloat64Le, "FLOAT64_LE", 8},
    {SampleFormat::kFloat64Be, "FLOAT64_BE", 8},
}};

constexpr bool RowsStandAtTheirNumbers() {
    for (size_t i = 0; i < kFormats.size(); ++i)
        if (static_cast<size_t>(kFormats[i].format) != i + 1) return false;
    return true;
}
static_assert(RowsStandAtTheirNumbers());

const FormatRow& Row(SampleFormat format) noexcept {
    return kFormats[static_cast<size_t>(format) - 1];
}

// Not std::toupper: that one depends on the application's locale.
constexpr char ToUpper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool EqualWithoutCase(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](char x, char y) { return ToUpper(x) == ToUpper(y); });
}

}  // namespace

std::optional<SampleFormat> FindFormat(uint8_t wire_number) noexcept {
    if (wire_number < 1 || wire_number > kFormatCount) return std::nullopt;
    return static_cast<SampleFormat>(wire_number);
}

std::optional<SampleFormat> FindFormat(std::string_view name) noexcept {
    for (const FormatRow& row : kFormats)
        if (EqualWithoutCase(row.name, name)) return row.format;
    return std::nullopt;
}

std::string_view FormatName(SampleFormat format) noexcept {
    return Row(format).name;
}

uint32_t SampleBytes(SampleFormat format) noexcept {
    return Row(format).bytes;
}

void FillSilence(SampleFormat format, std::span<std::byte> samples) noexcept {
    if (samples.empty()) return;
    std::memset(samples.data(), format == SampleFormat::kU8 ? 0x80 : 0, samples.size());
}

}  // namespace shmd::audio
