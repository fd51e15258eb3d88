#include "plugin/pcm_options.h"

#include "ipc/server_trust.h"
#include "wire/limits.h"

#include <cerrno>
#include <string>
#include <string_view>

namespace shmd::plugin {

namespace {

constexpr const char* kKnownKeys =
    "server, server_user, device, fallback, direct, reconnect, reconnect_timeout, "
    "channels_max, buffer_max_ms";
constexpr long kMostTimeoutS = 86400;
constexpr long kLeastBufferMaxMs = 100;
constexpr long kMostBufferMaxMs = 600000;

/** Keys that every PCM may have and that are not ours to read. */
bool IsCommon(std::string_view id) {
    return id == "comment" || id == "type" || id == "hint";
}

std::string* FindText(PcmOptions& options, std::string_view id) {
    if (id == "server") return &options.server;
    if (id == "server_user") return &options.server_user;
    if (id == "device") return &options.device;
    if (id == "fallback") return &options.fallback;
    if (id == "direct") return &options.direct;
    return nullptr;
}

int ReadText(snd_config_t* entry, const char* id, std::string& text) {
    // A user's number is an integer to alsa-lib, and no string.
    const bool may_be_number = std::string_view{id} == "server_user";
    if (long number = 0; may_be_number && snd_config_get_integer(entry, &number) >= 0) {
        text = std::to_string(number);
        return 0;
    }
    const char* value = nullptr;
    if (snd_config_get_string(entry, &value) < 0) {
        SNDERR("shmd: the key %s takes a string", id);
        return -EINVAL;
    }
    text = value == nullptr ? "" : value;
    return 0;
}

int ReadFlag(snd_config_t* entry, const char* id, bool& flag) {
    const int value = snd_config_get_bool(entry);
    if (value < 0) {
        SNDERR("shmd: the key %s is yes or no", id);
        return -EINVAL;
    }
    flag = value != 0;
    return 0;
}

int ReadTimeout(snd_config_t* entry, const char* id, int64_t& timeout_s) {
    long value = 0;
    if (snd_config_get_integer(entry, &value) < 0 || value < 1 || value > kMostTimeoutS) {
        SNDERR("shmd: the key %s takes whole seconds, 1 to %ld", id, kMostTimeoutS);
        return -EINVAL;
    }
    timeout_s = value;
    return 0;
}

/** A whole number; the name of its key has its unit. */
int ReadNumber(snd_config_t* entry, const char* id, long least, long most,
               unsigned& number) {
    long value = 0;
    if (snd_config_get_integer(entry, &value) < 0 || value < least || value > most) {
        SNDERR("shmd: the key %s takes a whole number, %ld to %ld", id, least, most);
        return -EINVAL;
    }
    number = static_cast<unsigned>(value);
    return 0;
}

int ReadOption(snd_config_t* entry, const char* id, PcmOptions& options) {
    const std::string_view name = id;
    if (IsCommon(name)) return 0;
    if (std::string* text = FindText(options, name)) return ReadText(entry, id, *text);
    if (name == "reconnect") return ReadFlag(entry, id, options.reconnect);
    if (name == "reconnect_timeout")
        return ReadTimeout(entry, id, options.reconnect_timeout_s);
    if (name == "channels_max")
        return ReadNumber(entry, id, 1, wire::kMaxChannels, options.channels_max);
    if (name == "buffer_max_ms")
        return ReadNumber(entry, id, kLeastBufferMaxMs, kMostBufferMaxMs,
                          options.buffer_max_ms);
    SNDERR("shmd: unknown key %s (known: %s)", id, kKnownKeys);
    return -EINVAL;
}

}  // namespace

int ReadPcmOptions(snd_config_t* config, PcmOptions& options) {
    snd_config_iterator_t i = nullptr;
    snd_config_iterator_t next = nullptr;
    snd_config_for_each(i, next, config) {
        snd_config_t* entry = snd_config_iterator_entry(i);
        const char* id = nullptr;
        if (snd_config_get_id(entry, &id) < 0) continue;
        if (const int error = ReadOption(entry, id, options); error < 0) return error;
    }
    if (!options.server_user.empty() && !ipc::FindUser(options.server_user)) {
        SNDERR("shmd: the key server_user names a user that there is not: \"%s\"",
               options.server_user.c_str());
        return -EINVAL;
    }
    if (!FindDirect(options.direct)) {
        SNDERR("shmd: the key direct is auto, never or require, and not \"%s\"",
               options.direct.c_str());
        return -EINVAL;
    }
    return 0;
}

std::optional<wire::Direct> FindDirect(std::string_view text) {
    if (text.empty() || text == "auto") return wire::Direct::kAuto;
    if (text == "never") return wire::Direct::kNever;
    if (text == "require") return wire::Direct::kRequire;
    return {};
}

}  // namespace shmd::plugin
