#include "plugin/pcm_options.h"

#include <cerrno>
#include <string_view>

namespace shmd::plugin {

namespace {

/** Keys that every PCM may have and that are not ours to read. */
bool IsCommon(std::string_view id) {
    return id == "comment" || id == "type" || id == "hint";
}

std::string* FindOption(PcmOptions& options, std::string_view id) {
    if (id == "server") return &options.server;
    if (id == "device") return &options.device;
    if (id == "fallback") return &options.fallback;
    if (id == "direct") return &options.direct;
    return nullptr;
}

}  // namespace

int ReadPcmOptions(snd_config_t* config, PcmOptions& options) {
    snd_config_iterator_t i = nullptr;
    snd_config_iterator_t next = nullptr;
    snd_config_for_each(i, next, config) {
        snd_config_t* entry = snd_config_iterator_entry(i);
        const char* id = nullptr;
        if (snd_config_get_id(entry, &id) < 0 || IsCommon(id)) continue;
        std::string* option = FindOption(options, id);
        if (option == nullptr) {
            SNDERR("shmd: unknown key %s (known: server, device, fallback, direct)", id);
            return -EINVAL;
        }
        const char* value = nullptr;
        if (snd_config_get_string(entry, &value) < 0) {
            SNDERR("shmd: the key %s takes a string", id);
            return -EINVAL;
        }
        *option = value == nullptr ? "" : value;
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
