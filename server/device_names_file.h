#pragma once

#include "base/unique_fd.h"

#include <string>
#include <vector>

namespace shmd {

/**
 * The file with the names of the devices, beside the socket (lib/ipc/device_names.h),
 * for `aplay -L`. Locked while this lives, and removed by the destructor. A file that a
 * killed server left is not locked, and the next server replaces it.
 */
class DeviceNamesFile {
  public:
    /**
     * Write the file beside the listening socket's own file, replacing what is there.
     * @param listening  borrowed.  Errors: std::system_error.
     */
    DeviceNamesFile(int listening, const std::vector<std::string>& names);

    DeviceNamesFile(const DeviceNamesFile&) = delete;
    DeviceNamesFile& operator=(const DeviceNamesFile&) = delete;
    ~DeviceNamesFile();

  private:
    std::string path_;
    base::UniqueFd file_;
};

}  // namespace shmd
