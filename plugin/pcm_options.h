#pragma once

#include <alsa/asoundlib.h>
#include <string>

namespace shmd::plugin {

/** What asound.conf says of a PCM of type shmd. */
struct PcmOptions {
    std::string server;    // a socket's path; empty: the usual places
    std::string device;    // empty: the server's default
    std::string fallback;  // a PCM to open when there is no server; empty: none
};

/**
 * Read `config` into `options`.
 * @return 0, or -EINVAL after an SNDERR that names the key.  Thread: any.
 */
int ReadPcmOptions(snd_config_t* config, PcmOptions& options);

}  // namespace shmd::plugin
