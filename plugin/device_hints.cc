#include "plugin/device_hints.h"

#include <string>

namespace shmd::plugin {

namespace {

/** @param description  without quotes and backslashes; empty: not to be listed */
std::string Definition(const std::string& id, const std::string& device,
                       const std::string& description) {
    const std::string hint =
        description.empty() ? "show off" : "show on description \"" + description + '"';
    return id + " { type shmd device \"" + device + "\" hint { " + hint + " } }\n";
}

}  // namespace

std::string DeviceDefinitions(const std::vector<std::string>& names) {
    std::string text;
    for (unsigned number = 1; number <= kMostListed; ++number) {
        const std::string digits = std::to_string(number);
        std::string device;
        std::string monitor;
        if (number <= names.size()) {
            const std::string& name = names[number - 1];
            device = "shmd Sound Server, device " + name;
            // alsa-lib finds IOID behind the description, and leaves a monitor out of the
            // lists of what can play (namehint.c, snd_device_name_get_hint).
            monitor = "shmd Sound Server, monitor of " + name + "|IOIDInput";
        }
        text += Definition("device_" + digits, "#" + digits, device);
        text += Definition("monitor_" + digits, "#" + digits + ".monitor", monitor);
    }
    return text;
}

}  // namespace shmd::plugin
