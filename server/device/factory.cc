#include "device/factory.h"

#include "device/alsa_capture.h"
#include "device/alsa_cards.h"
#include "device/alsa_playback.h"
#include "device/alsa_spec.h"
#include "device/device_spec.h"
#include "device/virtual_device.h"

#include <alsa/asoundlib.h>
#include <stdexcept>

namespace shmd::device {

namespace {

constexpr std::string_view kVirtual = "virtual";
constexpr std::string_view kAuto = "auto";

bool IsKind(std::string_view spec, std::string_view kind) noexcept {
    return spec.substr(0, spec.find(',')) == kind;
}

/** alsa-lib must know the PCM: a name without a definition never becomes a card. */
void RequireDefined(const std::string& pcm) {
    if (pcm.starts_with('{')) return;  // a definition, not a name
    snd_config_t* found = nullptr;
    const std::string name = pcm.substr(0, pcm.find(':'));
    if (snd_config_update() < 0 ||
        snd_config_search(snd_config, name.c_str(), &found) == 0 ||
        snd_config_search(snd_config, ("pcm." + name).c_str(), &found) == 0)
        return;
    throw std::invalid_argument{"there is no PCM \"" + name +
                                "\" for a device: auto, virtual, hw:CARD=ID and the PCMs "
                                "of asound.conf are possible"};
}

}  // namespace

bool IsVirtual(std::string_view spec) noexcept {
    return IsKind(spec, kVirtual);
}

void CheckSpec(std::string_view spec) {
    if (IsVirtual(spec))
        (void)ParseDeviceSpec(spec);
    else if (const std::string pcm = ParseAlsaSpec(spec).pcm_name; pcm != kAuto)
        RequireDefined(pcm);
}

std::vector<std::string> Candidates(const std::string& spec, Direction direction) {
    if (!IsKind(spec, kAuto)) return {spec};
    std::vector<std::string> specs;
    for (const std::string& card : FindCards(direction == Direction::kCapture))
        specs.push_back(card + spec.substr(kAuto.size()));
    return specs;
}

std::unique_ptr<Device> MakeDevice(std::string_view spec, Direction direction) {
    if (IsVirtual(spec)) return std::make_unique<VirtualDevice>(ParseDeviceSpec(spec));
    if (direction == Direction::kCapture)
        return std::make_unique<AlsaCapture>(ParseAlsaSpec(spec));
    return std::make_unique<AlsaPlayback>(ParseAlsaSpec(spec));
}

}  // namespace shmd::device
