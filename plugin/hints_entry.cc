// The hook of 60-shmd.conf that alsa-lib calls, as SND_DLSYM_BUILD_VERSION exports it.

#include "ipc/device_names.h"
#include "plugin/device_hints.h"
#include "plugin/guarded.h"

#include <alsa/asoundlib.h>
#include <string>

namespace {

int LoadInto(snd_config_t* node, const std::string& text) {
    snd_input_t* input = nullptr;
    int error =
        snd_input_buffer_open(&input, text.c_str(), static_cast<ssize_t>(text.size()));
    if (error < 0) return error;
    error = snd_config_load(node, input);
    snd_input_close(input);
    return error;
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

/** Adds the definitions of the server's devices to the node that has the hook. */
int snd_config_hook_shmd_devices(snd_config_t* root, snd_config_t* /*config*/,
                                 snd_config_t** dst, snd_config_t* /*private_data*/) {
    *dst = nullptr;
    return shmd::plugin::Guarded([=] {
        return LoadInto(root,
                        shmd::plugin::DeviceDefinitions(shmd::ipc::FindDeviceNames()));
    });
}
SND_DLSYM_BUILD_VERSION(snd_config_hook_shmd_devices, SND_CONFIG_DLSYM_VERSION_HOOK)

}  // extern "C"
#pragma GCC visibility pop
