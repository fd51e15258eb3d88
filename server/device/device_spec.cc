#include "device/device_spec.h"

#include "wire/limits.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace shmd::device {

namespace {

constexpr std::string_view kKinds = "virtual";
constexpr std::string_view kKeys = "rate, channels, format, period, wav and capture";

[[noreturn]] void Refuse(std::string_view key, std::string_view value,
                         std::string_view allowed) {
    std::string what{key};
    what.append("=").append(value).append(" is not possible for a device: ");
    throw std::invalid_argument{what.append(allowed)};
}

uint32_t RequireNumber(std::string_view key, std::string_view value, uint32_t least,
                       uint32_t most) {
    uint32_t number = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    if (error != std::errc{} || stop != end || number < least || number > most)
        Refuse(key, value,
               "a whole number from " + std::to_string(least) + " to " +
                   std::to_string(most) + " is allowed");
    return number;
}

std::string AllFormatNames() {
    std::string names;
    for (uint8_t number = 1; number <= audio::kFormatCount; ++number) {
        if (number > 1) names.append(number == audio::kFormatCount ? " and " : ", ");
        if (const auto format = audio::FindFormat(number))
            names.append(audio::FormatName(*format));
    }
    return names;
}

std::string RequirePath(std::string_view key, std::string_view value) {
    if (value.empty()) Refuse(key, value, "the name of a file is needed");
    return std::string{value};
}

void SetRate(DeviceSpec& spec, std::string_view value) {
    spec.format.rate_hz =
        RequireNumber("rate", value, wire::kMinRateHz, wire::kMaxRateHz);
}

void SetChannels(DeviceSpec& spec, std::string_view value) {
    spec.format.channels = RequireNumber("channels", value, 1, wire::kMaxChannels);
}

void SetFormat(DeviceSpec& spec, std::string_view value) {
    const auto format = audio::FindFormat(value);
    if (!format) Refuse("format", value, AllFormatNames() + " are allowed");
    spec.format.sample = *format;
}

void SetPeriod(DeviceSpec& spec, std::string_view value) {
    spec.period_frames =
        RequireNumber("period", value, kLeastPeriodFrames, kMostPeriodFrames);
}

void SetWav(DeviceSpec& spec, std::string_view value) {
    spec.wav_path = RequirePath("wav", value);
}

void SetCapture(DeviceSpec& spec, std::string_view value) {
    spec.capture_path = RequirePath("capture", value);
    if (spec.capture_path == "loopback") spec.capture_path.clear();
}

struct Key {
    std::string_view name;
    void (*set)(DeviceSpec&, std::string_view);
};

constexpr std::array kKeyTable{
    Key{"rate", SetRate},     Key{"channels", SetChannels}, Key{"format", SetFormat},
    Key{"period", SetPeriod}, Key{"wav", SetWav},           Key{"capture", SetCapture},
};

/** Cut the part before the next comma off `text`. */
std::string_view TakePart(std::string_view& text) {
    const size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    return part;
}

size_t RequireKey(std::string_view name, std::string_view part) {
    for (size_t i = 0; i < kKeyTable.size(); ++i)
        if (kKeyTable[i].name == name) return i;
    throw std::invalid_argument{"\"" + std::string{part} +
                                "\" is not a setting of a device: key=value is needed, "
                                "where the key is one of " +
                                std::string{kKeys}};
}

void RequireKind(std::string_view kind) {
    if (kind != kKinds)
        throw std::invalid_argument{"the device \"" + std::string{kind} +
                                    "\" is not possible here: it must be of the kind \"" +
                                    std::string{kKinds} + "\""};
}

}  // namespace

DeviceSpec ParseDeviceSpec(std::string_view text) {
    RequireKind(TakePart(text));
    DeviceSpec spec;
    std::array<bool, kKeyTable.size()> seen{};
    while (!text.empty()) {
        const std::string_view part = TakePart(text);
        const size_t equals = std::min(part.find('='), part.size());
        const size_t key = RequireKey(part.substr(0, equals), part);
        const std::string_view value = part.substr(std::min(equals + 1, part.size()));
        if (seen[key]) Refuse(kKeyTable[key].name, value, "the key may be given once");
        seen[key] = true;
        kKeyTable[key].set(spec, value);
    }
    return spec;
}

}  // namespace shmd::device
