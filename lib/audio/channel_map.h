#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace shmd::audio {

inline constexpr uint32_t kMaxChannels = 32;

/** Where a channel's loudspeaker stands. The numbers are ALSA's SND_CHMAP_*. */
enum class ChannelPosition : uint8_t {
    kUnknown = 0,
    kNotAvailable = 1,  // a channel to be left silent (SND_CHMAP_NA)
    kMono = 2,
    kFrontLeft = 3,
    kFrontRight = 4,
    kRearLeft = 5,
    kRearRight = 6,
    kFrontCentre = 7,
    kLowFrequency = 8,
    kSideLeft = 9,
    kSideRight = 10,
    kRearCentre = 11,
    kFrontLeftOfCentre = 12,
    kFrontRightOfCentre = 13,
    kRearLeftOfCentre = 14,
    kRearRightOfCentre = 15,
    kFrontLeftWide = 16,
    kFrontRightWide = 17,
    kFrontLeftHigh = 18,
    kFrontCentreHigh = 19,
    kFrontRightHigh = 20,
    kTopCentre = 21,
    kTopFrontLeft = 22,
    kTopFrontRight = 23,
    kTopFrontCentre = 24,
    kTopRearLeft = 25,
    kTopRearRight = 26,
    kTopRearCentre = 27,
    kTopFrontLeftOfCentre = 28,
    kTopFrontRightOfCentre = 29,
    kTopSideLeft = 30,
    kTopSideRight = 31,
    kLeftLowFrequency = 32,
    kRightLowFrequency = 33,
    kBottomCentre = 34,
    kBottomLeftOfCentre = 35,
    kBottomRightOfCentre = 36,
};

inline constexpr uint8_t kLastChannelPosition = 36;

/** The position of each channel of a frame; what is beyond `count` is kUnknown. */
struct ChannelMap {
    uint32_t count = 0;  // 0 to kMaxChannels
    std::array<ChannelPosition, kMaxChannels> positions{};

    bool operator==(const ChannelMap&) const = default;
};

/**
 * ALSA's usual layout: mono; FL FR; + LFE; FL FR RL RR; + FC; + LFE; (7 channels) the
 * same with RC; (8 channels) with SL SR. The channels above the eighth are unknown.
 *
 * @param channels  1 to kMaxChannels; more is held at that
 *
 * Thread: any.  Realtime: yes.
 */
ChannelMap DefaultChannelMap(uint32_t channels) noexcept;

/**
 * Turns frames of one channel layout into frames of another, by position.
 *
 *   the same position      copied
 *   mono                   to front left and front right, unchanged (or to front centre)
 *   anything to mono       the mean of the channels, without LFE
 *   no such loudspeaker    folded into the nearest that exist: a centre or surround at
 *                          -3 dB into the fronts (ITU-R BS.775), LFE dropped
 *   nothing comes in       silence
 *   unknown positions      by index when both layouts have as many channels, or from an
 *                          unknown channel to an unknown one of the same index
 *   more than eight in, some of them unknown
 *                          by index: these are tracks, not loudspeakers
 *   nothing but unknown    as DefaultChannelMap
 *   nothing in common      by index, rather than silence
 *
 * All gains are scaled down together so that no sum of full-scale inputs can clip.
 */
class Remixer {
  public:
    /** Both maps have 1 to kMaxChannels channels. Thread: any. Realtime: yes. */
    Remixer(const ChannelMap& in, const ChannelMap& out) noexcept;

    /** Whether Apply is a plain copy. Thread: any. Realtime: yes. */
    [[nodiscard]] bool IsIdentity() const noexcept { return identity_; }

    /**
     * @param in      frames * (channels in) samples, interleaved
     * @param out     frames * (channels out) samples, interleaved; does not alias `in`
     * @param frames  how many
     *
     * Thread: any.  Realtime: yes.  Errors: none.
     */
    void Apply(std::span<const float> in, std::span<float> out,
               uint32_t frames) const noexcept;

  private:
    using Row = std::array<float, kMaxChannels>;

    void MapByPosition(const ChannelMap& in, const ChannelMap& out) noexcept;
    void MapToMono(const ChannelMap& in) noexcept;
    void MapByIndex() noexcept;
    void AddTo(const ChannelMap& out, ChannelPosition position, uint32_t from,
               float gain) noexcept;
    void Normalise() noexcept;
    void ApplyRow(uint32_t channel, const float* in, float* out,
                  uint32_t frames) const noexcept;
    [[nodiscard]] float LoudestRow() const noexcept;
    [[nodiscard]] bool IsSilent() const noexcept;
    [[nodiscard]] bool MatrixIsIdentity() const noexcept;

    uint32_t in_channels_;
    uint32_t out_channels_;
    bool identity_ = false;
    std::array<Row, kMaxChannels> gains_{};  // [out][in]
};

}  // namespace shmd::audio
