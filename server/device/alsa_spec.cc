#include "device/alsa_spec.h"

#include "device/device_spec.h"
#include "wire/limits.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <stdexcept>

namespace shmd::device {

namespace {

constexpr std::string_view kKeys =
    "rate, channels, format, period, buffer, access and interrupts";
/** Half a minute at 48 kHz: more than any card has. */
constexpr uint32_t kMostBufferFrames = 1 << 21;

[[noreturn]] void Refuse(std::string_view key, std::string_view value,
                         std::string_view allowed) {
    std::string what{key};
    what.append("=").append(value).append(" is not possible for a card: ");
    throw std::invalid_argument{what.append(allowed)};
}

uint32_t RequireNumber(std::string_view key, std::string_view value, uint32_t least,
                       uint32_t most) {
    uint32_t number = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data(), end, number);
    if (error != std::errc{} || stop != end || number < least || number > most)
        Refuse(key, value,
               "auto, or a whole number from " + std::to_string(least) + " to " +
                   std::to_string(most) + " is allowed");
    return number;
}

void SetRate(AlsaSpec& spec, std::string_view value) {
    spec.rate_hz = RequireNumber("rate", value, wire::kMinRateHz, wire::kMaxRateHz);
}

void SetChannels(AlsaSpec& spec, std::string_view value) {
    spec.channels = RequireNumber("channels", value, 1, wire::kMaxChannels);
}

void SetFormat(AlsaSpec& spec, std::string_view value) {
    spec.format = audio::FindFormat(value);
    if (!spec.format)
        Refuse("format", value, "auto, or ALSA's name of a linear format is allowed");
}

void SetPeriod(AlsaSpec& spec, std::string_view value) {
    spec.period_frames =
        RequireNumber("period", value, kLeastPeriodFrames, kMostPeriodFrames);
}

void SetBuffer(AlsaSpec& spec, std::string_view value) {
    spec.buffer_frames =
        RequireNumber("buffer", value, 3 * kLeastPeriodFrames, kMostBufferFrames);
}

void SetAccess(AlsaSpec& spec, std::string_view value) {
    if (value != "mmap" && value != "rw")
        Refuse("access", value, "auto, mmap and rw are allowed");
    spec.access = value == "mmap" ? AlsaAccess::kMmap : AlsaAccess::kReadWrite;
}

void SetInterrupts(AlsaSpec& spec, std::string_view value) {
    if (value != "on" && value != "off")
        Refuse("interrupts", value, "auto, on and off are allowed");
    spec.interrupts = value == "on";
}

struct Key {
    std::string_view name;
    void (*set)(AlsaSpec&, std::string_view);
};

constexpr std::array kKeyTable{
    Key{"rate", SetRate},
    Key{"channels", SetChannels},
    Key{"format", SetFormat},
    Key{"period", SetPeriod},
    Key{"buffer", SetBuffer},
    Key{"access", SetAccess},
    Key{"interrupts", SetInterrupts},
};

/** The key that `part` begins with; the table's size: none. */
size_t FindKey(std::string_view part) {
    const std::string_view name = part.substr(0, part.find('='));
    if (name.size() == part.size()) return kKeyTable.size();
    const auto* const found =
        std::ranges::find(kKeyTable, name, [](const Key& key) { return key.name; });
    return static_cast<size_t>(found - kKeyTable.begin());
}

/** Where the settings begin: after the comma before the first; or the end. */
size_t FindSettings(std::string_view text) {
    for (size_t comma = text.find(','); comma != std::string_view::npos;
         comma = text.find(',', comma + 1))
        if (FindKey(text.substr(comma + 1)) != kKeyTable.size()) return comma + 1;
    return text.size();
}

std::string RequireName(std::string_view text, size_t settings) {
    const std::string_view name =
        text.substr(0, settings == text.size() ? settings : settings - 1);
    if (name.empty() || FindKey(name) != kKeyTable.size())
        throw std::invalid_argument{"\"" + std::string{text} +
                                    "\" does not begin with the name of a PCM"};
    return std::string{name};
}

/** Cut the part before the next comma off `text`. */
std::string_view TakePart(std::string_view& text) {
    const size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
    return part;
}

size_t RequireKey(std::string_view part) {
    const size_t key = FindKey(part);
    if (key != kKeyTable.size()) return key;
    throw std::invalid_argument{"\"" + std::string{part} +
                                "\" is not a setting of a card: key=value is needed, "
                                "where the key is one of " +
                                std::string{kKeys}};
}

}  // namespace

AlsaSpec ParseAlsaSpec(std::string_view text) {
    const size_t settings = FindSettings(text);
    AlsaSpec spec;
    spec.pcm_name = RequireName(text, settings);
    text.remove_prefix(settings);
    std::array<bool, kKeyTable.size()> seen{};
    while (!text.empty()) {
        const std::string_view part = TakePart(text);
        const size_t key = RequireKey(part);
        const std::string_view value = part.substr(kKeyTable[key].name.size() + 1);
        if (seen[key]) Refuse(kKeyTable[key].name, value, "the key may be given once");
        seen[key] = true;
        if (value != "auto") kKeyTable[key].set(spec, value);
    }
    return spec;
}

}  // namespace shmd::device
