// What describes a device, and the paths of sockets: any text is read or refused.

#include "device/alsa_spec.h"
#include "device/device_spec.h"
#include "device/factory.h"
#include "fuzz/checks.h"
#include "fuzz/input.h"
#include "fuzz/target.h"
#include "ipc/address.h"
#include "key_line.h"
#include "wire/limits.h"

#include <algorithm>
#include <stdexcept>

namespace shmd::fuzz {

namespace {

bool IsRate(uint32_t rate_hz) {
    return rate_hz >= wire::kMinRateHz && rate_hz <= wire::kMaxRateHz;
}

void CheckVirtual(std::string_view text) {
    try {
        const device::DeviceSpec spec = device::ParseDeviceSpec(text);
        Require(IsRate(spec.format.rate_hz), "a device's rate is one of the protocol's");
        Require(spec.format.channels >= 1 && spec.format.channels <= wire::kMaxChannels,
                "a device's channels are as many as the protocol's");
        Require(spec.period_frames <= device::kMostPeriodFrames,
                "a period is as long as it may be");
        Require(device::IsVirtual(text), "what is read as virtual is called so");
    } catch (const std::invalid_argument&) {
    }
}

void CheckCard(std::string_view text) {
    try {
        const device::AlsaSpec spec = device::ParseAlsaSpec(text);
        Require(text.starts_with(spec.pcm_name) && !spec.pcm_name.empty(),
                "the name of the PCM is what the text begins with");
        Require(!spec.rate_hz || IsRate(*spec.rate_hz),
                "a card's rate is one of the protocol's");
        Require(!spec.channels ||
                    (*spec.channels >= 1 && *spec.channels <= wire::kMaxChannels),
                "a card's channels are as many as the protocol's");
    } catch (const std::invalid_argument&) {
    }
}

void CheckLine(std::string_view text) {
    const size_t end = std::min(text.find('\n'), text.size());
    const size_t line = FindKeyLine(text, text.substr(0, end));
    Require(line <= text.size() + 1, "the line of a key is one of the text's");
}

void CheckAddress(std::string_view text) {
    const auto address = ipc::FindAddress(std::string{text});
    if (!address) return;
    Require(text.size() < sizeof address->sun_path && !text.empty(),
            "a path that is too long is no address");
    Require(text == std::string_view{address->sun_path, text.size()},
            "an address has the path that it was made of");
}

void Run(Input input) {
    const std::string_view text = input.TakeText();
    CheckVirtual(text);
    CheckCard(text);
    CheckLine(text);
    CheckAddress(text);
}

}  // namespace

}  // namespace shmd::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    shmd::fuzz::Run({data, size});
    return 0;
}
