#pragma once

#include "wire/message.h"

#include <alsa/asoundlib.h>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace shmd::plugin {

/** What asound.conf says of a PCM of type shmd. */
struct PcmOptions {
    std::string server;       // a socket's path; empty: the usual places
    std::string server_user;  // whose server is trusted too, a name or a number
    std::string device;       // empty: the server's default
    std::string fallback;     // a PCM to open when there is no server; empty: none
    std::string direct;       // auto (also empty), never or require
    bool reconnect = true;    // look for another server when this one goes
    int64_t reconnect_timeout_s = 10;
    unsigned channels_max = 0;      // the most channels to offer; 0: by the device
    unsigned buffer_max_ms = 2000;  // the longest buffer to offer
};

/**
 * Read `config` into `options`.
 * @return 0, or -EINVAL after an SNDERR that names the key.  Thread: any.
 */
int ReadPcmOptions(snd_config_t* config, PcmOptions& options);

/** What the key `direct` says; nothing if it is none of its words. Thread: any. */
std::optional<wire::Direct> FindDirect(std::string_view text);

}  // namespace shmd::plugin
