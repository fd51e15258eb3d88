#include "device/factory.h"

#include "device/alsa_capture.h"
#include "device/alsa_cards.h"
#include "device/alsa_playback.h"
#include "device/alsa_spec.h"
#include "device/device_spec.h"
#include "device/virtual_device.h"

namespace shmd::device {

namespace {

constexpr std::string_view kVirtual = "virtual";
constexpr std::string_view kAuto = "auto";

bool IsKind(std::string_view spec, std::string_view kind) noexcept {
    return spec.substr(0, spec.find(',')) == kind;
}

}  // namespace

bool IsVirtual(std::string_view spec) noexcept {
    return IsKind(spec, kVirtual);
}

void CheckSpec(std::string_view spec) {
    if (IsVirtual(spec))
        (void)ParseDeviceSpec(spec);
    else
        (void)ParseAlsaSpec(spec);
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
