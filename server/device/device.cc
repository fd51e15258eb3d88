#include "device/device.h"

#include "base/error.h"

#include <cerrno>

namespace shmd::device {

SharedRing Device::ShareRing(bool /*unrestricted*/) {
    base::ThrowError(EOPNOTSUPP, "the device has no ring that can be mapped");
}

}  // namespace shmd::device
