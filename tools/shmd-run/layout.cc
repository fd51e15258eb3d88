#include "tools/shmd-run/layout.h"

#include <filesystem>
#include <string_view>

namespace shmd::run {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kModule = "libasound_module_pcm_shmd.so";
constexpr std::string_view kConfig = "60-shmd.conf";

/**
 * An unmodified program that loads a module built with a sanitizer must have that
 * sanitizer's runtime from its start on.
 */
std::string SanitizerRuntime() {
    return std::string_view{SHMD_SANITIZE}.empty() ? "" : SHMD_SANITIZER_RUNTIME;
}

/** What precedes SHMD_BINDIR in `directory`: where `make install DESTDIR=…` put us. */
std::string DestinationRoot(const std::string& directory) {
    constexpr std::string_view kBinDir = SHMD_BINDIR;
    if (!directory.ends_with(kBinDir)) return "";
    return directory.substr(0, directory.size() - kBinDir.size());
}

Layout Installed(const std::string& directory) {
    const std::string root = DestinationRoot(directory);
    return {.server = root + SHMD_BINDIR + "/shmd",
            .module = root + SHMD_ALSA_PLUGIN_DIR + "/" + std::string{kModule},
            .config = root + SHMD_ALSA_CONF_DIR + "/" + std::string{kConfig},
            .preload = SanitizerRuntime()};
}

}  // namespace

Layout FindLayout() {
    const fs::path directory = fs::read_symlink("/proc/self/exe").parent_path();
    const fs::path built_module = directory / ".libs" / kModule;
    if (!fs::exists(built_module)) return Installed(directory.string());
    return {.server = directory / "shmd",
            .module = built_module,
            .config = fs::path{SHMD_SRCDIR} / "conf/asound.conf.d" / kConfig,
            .preload = SanitizerRuntime()};
}

}  // namespace shmd::run
