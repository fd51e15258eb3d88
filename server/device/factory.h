#pragma once

#include "device/device.h"

#include <memory>
#include <string_view>

namespace shmd::device {

/**
 * Build the device that `spec` describes (see ParseDeviceSpec); it is not started.
 *
 * Thread: loop.  Realtime: no.
 * Errors: std::invalid_argument for the text, std::system_error and std::runtime_error
 * for the files that it names.
 */
std::unique_ptr<Device> MakeDevice(std::string_view spec);

}  // namespace shmd::device
