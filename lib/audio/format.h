#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace shmd::audio {

/**
 * The linear sample formats. The values are those of the wire (doc/protocol.md) and never
 * change. Names and layouts are ALSA's: S24 is 24 bits in the low end of 32 (the top byte
 * is ignored when read, and written as sign), S24_3 is three bytes.
 */
enum class SampleFormat : uint8_t {
    kU8 = 1,
    kS8 = 2,
    kS16Le = 3,
    kS16Be = 4,
    kS24Le = 5,
    kS24Be = 6,
    kS24_3Le = 7,
    kS24_3Be = 8,
    kS32Le = 9,
    kS32Be = 10,
    kFloatLe = 11,
    kFloatBe = 12,
    kFloat64Le = 13,
    kFloat64Be = 14,
};

inline constexpr uint8_t kFormatCount = 14;

/** The format with this number on the wire. Thread: any. Realtime: yes. */
std::optional<SampleFormat> FindFormat(uint8_t wire_number) noexcept;

/** The format with ALSA's name, "S16_LE"; case does not matter. Thread: any. */
std::optional<SampleFormat> FindFormat(std::string_view name) noexcept;

/** ALSA's name. Thread: any. Realtime: yes. */
std::string_view FormatName(SampleFormat format) noexcept;

/** Bytes a sample takes: 1, 2, 3, 4 or 8. Thread: any. Realtime: yes. */
uint32_t SampleBytes(SampleFormat format) noexcept;

/** Fill whole samples with silence (0x80 for U8, else 0). Thread: any. Realtime: yes. */
void FillSilence(SampleFormat format, std::span<std::byte> samples) noexcept;

/** What a stream of interleaved frames is made of. */
struct StreamFormat {
    SampleFormat sample = SampleFormat::kS16Le;
    uint32_t rate_hz = 48000;
    uint32_t channels = 2;

    [[nodiscard]] uint32_t FrameBytes() const noexcept {
        return SampleBytes(sample) * channels;
    }
    bool operator==(const StreamFormat&) const = default;
};

}  // namespace shmd::audio
