#include "audio/channel_map.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstddef>

namespace shmd::audio {
namespace {

using enum ChannelPosition;

constexpr uint32_t kMostUsual = 8;        // channels of the largest usual layout, 7.1
constexpr float kMinus3Db = 0.70710678F;  // ITU-R BS.775-3, annex 4: sqrt(1/2)

/** Where a position that the output lacks goes: to `to`, and to `also` if that is set. */
struct FoldRule {
    ChannelPosition from;
    ChannelPosition to;
    ChannelPosition also;
    float gain;
};

// For each position the first rule counts whose loudspeakers exist. A loudspeaker that is
// but a step away (rear for side) takes the channel whole; see FoldGain for the
// exception.
constexpr auto kFoldRules = std::to_array<FoldRule>({
    {kMono, kFrontLeft, kFrontRight, 1},
    {kMono, kFrontCentre, kUnknown, 1},
    {kFrontLeft, kMono, kUnknown, 0.5F},
    {kFrontLeft, kFrontCentre, kUnknown, kMinus3Db},
    {kFrontRight, kMono, kUnknown, 0.5F},
    {kFrontRight, kFrontCentre, kUnknown, kMinus3Db},
    {kFrontCentre, kFrontLeft, kFrontRight, kMinus3Db},
    {kFrontCentre, kMono, kUnknown, 1},
    {kRearLeft, kSideLeft, kUnknown, 1},
    {kRearLeft, kFrontLeft, kUnknown, kMinus3Db},
    {kRearRight, kSideRight, kUnknown, 1},
    {kRearRight, kFrontRight, kUnknown, kMinus3Db},
    {kSideLeft, kRearLeft, kUnknown, 1},
    {kSideLeft, kFrontLeft, kUnknown, kMinus3Db},
    {kSideRight, kRearRight, kUnknown, 1},
    {kSideRight, kFrontRight, kUnknown, kMinus3Db},
    {kRearCentre, kRearLeft, kRearRight, kMinus3Db},
    {kRearCentre, kSideLeft, kSideRight, kMinus3Db},
    {kRearCentre, kFrontLeft, kFrontRight, kMinus3Db},
    {kFrontLeftOfCentre, kFrontLeft, kUnknown, 1},
    {kFrontRightOfCentre, kFrontRight, kUnknown, 1},
    {kFrontLeftWide, kFrontLeft, kUnknown, 1},
    {kFrontRightWide, kFrontRight, kUnknown, 1},
    {kFrontLeftHigh, kFrontLeft, kUnknown, 1},
    {kFrontRightHigh, kFrontRight, kUnknown, 1},
    {kFrontCentreHigh, kFrontCentre, kUnknown, 1},
    {kFrontCentreHigh, kFrontLeft, kFrontRight, kMinus3Db},
    {kRearLeftOfCentre, kRearLeft, kUnknown, 1},
    {kRearLeftOfCentre, kSideLeft, kUnknown, 1},
    {kRearLeftOfCentre, kFrontLeft, kUnknown, kMinus3Db},
    {kRearRightOfCentre, kRearRight, kUnknown, 1},
    {kRearRightOfCentre, kSideRight, kUnknown, 1},
    {kRearRightOfCentre, kFrontRight, kUnknown, kMinus3Db},
    {kTopCentre, kFrontLeft, kFrontRight, kMinus3Db},
    {kTopFrontLeft, kFrontLeft, kUnknown, 1},
    {kTopFrontRight, kFrontRight, kUnknown, 1},
    {kTopFrontLeftOfCentre, kFrontLeft, kUnknown, 1},
    {kTopFrontRightOfCentre, kFrontRight, kUnknown, 1},
    {kTopFrontCentre, kFrontCentre, kUnknown, 1},
    {kTopFrontCentre, kFrontLeft, kFrontRight, kMinus3Db},
    {kTopRearLeft, kRearLeft, kUnknown, 1},
    {kTopRearLeft, kFrontLeft, kUnknown, kMinus3Db},
    {kTopRearRight, kRearRight, kUnknown, 1},
    {kTopRearRight, kFrontRight, kUnknown, kMinus3Db},
    {kTopRearCentre, kRearLeft, kRearRight, kMinus3Db},
    {kTopRearCentre, kFrontLeft, kFrontRight, kMinus3Db},
    {kTopSideLeft, kSideLeft, kUnknown, 1},
    {kTopSideLeft, kRearLeft, kUnknown, 1},
    {kTopSideLeft, kFrontLeft, kUnknown, kMinus3Db},
    {kTopSideRight, kSideRight, kUnknown, 1},
    {kTopSideRight, kRearRight, kUnknown, 1},
    {kTopSideRight, kFrontRight, kUnknown, kMinus3Db},
    {kLowFrequency, kLeftLowFrequency, kRightLowFrequency, kMinus3Db},
    {kLeftLowFrequency, kLowFrequency, kUnknown, kMinus3Db},
    {kRightLowFrequency, kLowFrequency, kUnknown, kMinus3Db},
    {kBottomCentre, kFrontCentre, kUnknown, 1},
    {kBottomCentre, kFrontLeft, kFrontRight, kMinus3Db},
    {kBottomLeftOfCentre, kFrontLeft, kUnknown, 1},
    {kBottomRightOfCentre, kFrontRight, kUnknown, 1},
});

std::span<const ChannelPosition> Positions(const ChannelMap& map) noexcept {
    return std::span{map.positions}.first(map.count);
}

bool Has(const ChannelMap& map, ChannelPosition position) noexcept {
    return std::ranges::count(Positions(map), position) > 0;
}

bool IsLowFrequency(ChannelPosition position) noexcept {
    return position == kLowFrequency || position == kLeftLowFrequency ||
           position == kRightLowFrequency;
}

/** A map of nothing but unknown positions means the usual layout. */
ChannelMap Known(const ChannelMap& map) noexcept {
    assert(map.count >= 1 && map.count <= kMaxChannels);
    const auto all = static_cast<ptrdiff_t>(map.count);
    const bool unknown = std::ranges::count(Positions(map), kUnknown) == all;
    return unknown ? DefaultChannelMap(map.count) : map;
}

bool IsMono(const ChannelMap& map) noexcept {
    return map.count == 1 &&
           (map.positions[0] == kMono || map.positions[0] == kFrontCentre);
}

/** More channels than any usual layout has: tracks of a recording, not loudspeakers. */
bool IsWithoutLayout(const ChannelMap& map) noexcept {
    return map.count > kMostUsual && Has(map, kUnknown);
}

const FoldRule* FindFold(ChannelPosition from, const ChannelMap& out) noexcept {
    for (const FoldRule& rule : kFoldRules) {
        const bool also = rule.also == kUnknown || Has(out, rule.also);
        if (rule.from == from && also && Has(out, rule.to)) return &rule;
    }
    return nullptr;
}

/** A channel joins at -3 dB where the loudspeaker has a channel of its own already. */
float FoldGain(const FoldRule& rule, const ChannelMap& in) noexcept {
    return Has(in, rule.to) ? std::min(rule.gain, kMinus3Db) : rule.gain;
}

}  // namespace

ChannelMap DefaultChannelMap(uint32_t channels) noexcept {
    ChannelMap map{.count = std::min(channels, kMaxChannels)};
    constexpr std::array kUsual{kFrontLeft,   kFrontRight,   kRearLeft, kRearRight,
                                kFrontCentre, kLowFrequency, kSideLeft, kSideRight};
    const auto known = std::min<size_t>(map.count, kUsual.size());
    std::copy_n(kUsual.begin(), known, map.positions.begin());
    if (map.count == 1) map.positions[0] = kMono;
    if (map.count == 3) map.positions[2] = kLowFrequency;
    if (map.count == 7) map.positions[6] = kRearCentre;
    return map;
}

Remixer::Remixer(const ChannelMap& in, const ChannelMap& out) noexcept
    : in_channels_{in.count}, out_channels_{out.count} {
    const bool unknown = Has(in, kUnknown) || Has(out, kUnknown);
    const ChannelMap from = Known(in);
    const ChannelMap to = Known(out);
    if (in == out || (in.count == out.count && unknown) || IsWithoutLayout(in))
        MapByIndex();
    else if (IsMono(to))
        MapToMono(from);
    else
        MapByPosition(from, to);
    if (IsSilent()) MapByIndex();
    Normalise();
    identity_ = MatrixIsIdentity();
}

void Remixer::Apply(std::span<const float> in, std::span<float> out,
                    uint32_t frames) const noexcept {
    assert(in.size() == size_t{frames} * in_channels_);
    assert(out.size() == size_t{frames} * out_channels_);
    for (uint32_t channel = 0; channel < out_channels_; ++channel)
        ApplyRow(channel, in.data(), out.data() + channel, frames);
}

void Remixer::ApplyRow(uint32_t channel, const float* in, float* out,
                       uint32_t frames) const noexcept {
    bool first = true;
    for (uint32_t from = 0; from < in_channels_; ++from) {
        const float gain = gains_[channel][from];
        // Skipped, not multiplied by 0: 0 x infinity is NaN.
        if (gain == 0.0F) continue;
        for (size_t i = 0; i < frames; ++i) {
            const float sample = in[i * in_channels_ + from] * gain;
            float& sum = out[i * out_channels_];
            sum = first ? sample : sum + sample;
        }
        first = false;
    }
    if (!first) return;
    for (size_t i = 0; i < frames; ++i)
        out[i * out_channels_] = 0.0F;
}

void Remixer::MapByPosition(const ChannelMap& in, const ChannelMap& out) noexcept {
    for (uint32_t from = 0; from < in.count; ++from) {
        const ChannelPosition position = in.positions[from];
        if (position == kNotAvailable) continue;
        if (position == kUnknown) {
            if (from < out.count && out.positions[from] == kUnknown)
                gains_[from][from] = 1;
        } else if (Has(out, position)) {
            AddTo(out, position, from, 1);
        } else if (const FoldRule* rule = FindFold(position, out)) {
            const float gain = FoldGain(*rule, in);
            AddTo(out, rule->to, from, gain);
            if (rule->also != kUnknown) AddTo(out, rule->also, from, gain);
        }
    }
}

void Remixer::AddTo(const ChannelMap& out, ChannelPosition position, uint32_t from,
                    float gain) noexcept {
    for (uint32_t to = 0; to < out.count; ++to)
        if (out.positions[to] == position) gains_[to][from] += gain;
}

void Remixer::MapToMono(const ChannelMap& in) noexcept {
    const auto heard = [](ChannelPosition p) {
        return !IsLowFrequency(p) && p != kNotAvailable;
    };
    const auto count = std::ranges::count_if(Positions(in), heard);
    for (uint32_t from = 0; from < in.count; ++from)
        if (heard(in.positions[from])) gains_[0][from] = 1.0F / static_cast<float>(count);
}

void Remixer::MapByIndex() noexcept {
    const uint32_t common = std::min(in_channels_, out_channels_);
    for (uint32_t channel = 0; channel < common; ++channel)
        gains_[channel][channel] = 1;
}

float Remixer::LoudestRow() const noexcept {
    float loudest = 0;
    for (const Row& row : gains_) {
        float sum = 0;
        for (const float gain : row)
            sum += gain;
        loudest = std::max(loudest, sum);
    }
    return loudest;
}

bool Remixer::IsSilent() const noexcept {
    return LoudestRow() == 0.0F;
}

void Remixer::Normalise() noexcept {
    const float loudest = LoudestRow();
    if (loudest <= 1.0F) return;
    for (Row& row : gains_)
        for (float& gain : row)
            gain /= loudest;
}

bool Remixer::MatrixIsIdentity() const noexcept {
    if (in_channels_ != out_channels_) return false;
    for (uint32_t to = 0; to < out_channels_; ++to)
        for (uint32_t from = 0; from < in_channels_; ++from)
            if (gains_[to][from] != (to == from ? 1.0F : 0.0F)) return false;
    return true;
}

}  // namespace shmd::audio
