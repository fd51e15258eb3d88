#include "device/factory.h"

#include "device/device_spec.h"
#include "device/virtual_device.h"

namespace shmd::device {

std::unique_ptr<Device> MakeDevice(std::string_view spec) {
    return std::make_unique<VirtualDevice>(ParseDeviceSpec(spec));
}

}  // namespace shmd::device
