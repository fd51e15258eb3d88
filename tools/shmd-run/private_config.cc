#include "tools/shmd-run/private_config.h"

#include <alsa/asoundlib.h>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <stdexcept>
#include <system_error>

namespace shmd::run {
namespace {

constexpr std::array kFiles{"alsa.conf", "shm.conf", "again.conf"};
constexpr auto kReadable = static_cast<std::filesystem::perms>(0644);
constexpr const char* kDefaultPcm = R"(
pcm.!default {
	type plug
	slave.pcm "shm"
	hint {
		show on
		description "The private shmd of shmd-run"
	}
}
)";

std::string ReadFile(const std::string& path) {
    std::ifstream file{path};
    if (!file)
        throw std::runtime_error(path + ": " + std::generic_category().message(errno));
    return {std::istreambuf_iterator<char>{file}, {}};
}

void WriteFile(const std::string& path, const std::string& text) {
    std::ofstream file{path};
    file << text << std::flush;
    if (!file) throw std::runtime_error("cannot write " + path);
}

/** `text` as a string of ALSA's configuration syntax. */
std::string Quote(const std::string& text) {
    std::string quoted = "\"";
    for (const char character : text) {
        if (character == '"' || character == '\\') quoted += '\\';
        quoted += character;
    }
    return quoted + '"';
}

std::string LoadHook(std::initializer_list<std::string> paths) {
    std::string files;
    for (const std::string& path : paths)
        files += Quote(path) + " ";
    return "@hooks [ { func load files [ " + files + "] errors true } ]\n";
}

std::string Definitions(const Layout& layout, bool as_default) {
    const std::string module = Quote(layout.module);
    return ReadFile(layout.config) + "\npcm_type.!shmd { lib " + module +
           " }\nshmd_devices.hook_func.shmd_devices.lib " + module + "\n" +
           (as_default ? kDefaultPcm : "");
}

std::string StockConfigPath() {
    const char* path = std::getenv("ALSA_CONFIG_PATH");
    if (path != nullptr && *path != '\0') return path;
    return std::string{snd_config_topdir()} + "/alsa.conf";
}

}  // namespace

std::string WritePrivateConfig(const TempDir& directory, const Layout& layout,
                               bool as_default) {
    const std::string top = directory.PathOf(kFiles[0]);
    const std::string definitions = directory.PathOf(kFiles[1]);
    const std::string again = directory.PathOf(kFiles[2]);
    WriteFile(definitions, Definitions(layout, as_default));
    WriteFile(again, LoadHook({definitions}));
    WriteFile(top, LoadHook({definitions, again}));
    for (const char* name : kFiles)
        directory.Share(name, kReadable);
    return StockConfigPath() + ":" + top;
}

}  // namespace shmd::run
