#include "options.h"

#include "config.h"
#include "keys.h"
#include "usage_error.h"

#include <getopt.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

namespace shmd {
namespace {

// What getopt_long returns: the index of a key, or one of these (beyond every character,
// since '?' and ':' mean errors).
constexpr int kFirstKey = 1000;
constexpr int kConfig = 500;
constexpr int kHelp = 501;
constexpr int kVersion = 502;

/** The command line as it stands: the file has to be read before the options apply. */
struct RawOptions {
    Invocation::Action action = Invocation::Action::kRun;
    std::string config_path;
    bool has_config = false;
    std::vector<std::pair<const Key*, std::string>> values;
};

/** getopt_long's table, and the names that it points to. */
class LongOptions {
  public:
    LongOptions() {
        for (const Key& key : Keys())
            names_.push_back(OptionName(key));
        int value = kFirstKey;
        for (const std::string& name : names_)
            options_.push_back({name.c_str(), required_argument, nullptr, value++});
        options_.push_back({"config", required_argument, nullptr, kConfig});
        options_.push_back({"help", no_argument, nullptr, kHelp});
        options_.push_back({"version", no_argument, nullptr, kVersion});
        options_.push_back({});
    }

    [[nodiscard]] const option* Get() const { return options_.data(); }

  private:
    std::vector<std::string> names_;
    std::vector<option> options_;
};

[[noreturn]] void RefuseOption(const std::string& message) {
    throw UsageError{EX_USAGE, message + " (see --help)"};
}

/** "; did you mean --log-level?", or nothing. */
std::string Meant(std::string_view argument) {
    argument.remove_prefix(std::min(argument.find_first_not_of('-'), argument.size()));
    const Key* const key = FindNearestKey(argument.substr(0, argument.find('=')));
    return key == nullptr ? "" : "; did you mean --" + OptionName(*key) + "?";
}

/** Say why getopt_long returned '?' or ':' at `argument`. */
[[noreturn]] void RefuseArgument(int code, const std::string& argument) {
    if (code == ':') RefuseOption("option '" + argument + "' needs a value");
    // optopt is the option's own value where it is known and took no argument.
    if (optopt >= kConfig) RefuseOption("option '" + argument + "' takes no value");
    // Or a character, the one at fault of several in one argument.
    if (optopt > 0)
        RefuseOption(std::string{"option '-"} + static_cast<char>(optopt) +
                     "' is unknown");
    RefuseOption("option '" + argument + "' is unknown or ambiguous" + Meant(argument));
}

/** @return false when the parsing is over. */
bool TakeOption(int code, RawOptions& raw) {
    if (code == kHelp) raw.action = Invocation::Action::kShowHelp;
    if (code == kVersion) raw.action = Invocation::Action::kShowVersion;
    if (code == kHelp || code == kVersion) return false;
    if (code == kConfig) {
        raw.has_config = true;
        raw.config_path = optarg;
    } else {
        raw.values.emplace_back(&Keys()[static_cast<size_t>(code - kFirstKey)], optarg);
    }
    return true;
}

RawOptions ParseOptions(int argc, char** argv) {
    // A copy, because getopt_long moves the arguments about.
    std::vector<char*> arguments(argv, argv + argc);
    arguments.push_back(nullptr);
    const LongOptions options;
    RawOptions raw;
    optind = 0;  // glibc: start afresh, also after an earlier call
    opterr = 0;
    for (;;) {
        const int code = getopt_long(argc, arguments.data(), ":", options.Get(), nullptr);
        if (code == -1) break;
        if (code == '?' || code == ':')
            RefuseArgument(code, arguments[static_cast<size_t>(optind) - 1]);
        if (!TakeOption(code, raw)) return raw;
    }
    if (optind < argc)
        RefuseOption(std::string{"unexpected argument '"} +
                     arguments[static_cast<size_t>(optind)] + "'");
    return raw;
}

bool IsDevices(const Key& key) {
    return std::holds_alternative<DeviceList Settings::*>(key.member);
}

void ApplyOptions(const RawOptions& raw, Settings& settings) {
    bool has_devices = false;
    for (const auto& [key, text] : raw.values) {
        if (IsDevices(*key) && !std::exchange(has_devices, true))
            settings.devices.clear();
        try {
            SetFromText(*key, text, settings);
        } catch (const std::invalid_argument& error) {
            RefuseOption("option '--" + OptionName(*key) + "': " + error.what());
        }
    }
}

/** The user's own directory for configuration files; empty: unknown. */
std::string UserConfigDirectory() {
    const char* const xdg = std::getenv("XDG_CONFIG_HOME");
    // A relative path is to be ignored (XDG Base Directory Specification).
    if (xdg != nullptr && *xdg == '/') return xdg;
    const char* const home = std::getenv("HOME");
    return home != nullptr && *home == '/' ? home + std::string{"/.config"} : "";
}

bool Exists(const std::string& path) {
    return access(path.c_str(), F_OK) == 0;
}

/** `text` in lines of at most `width` columns, each after `indent` blanks. */
std::string Wrap(std::string_view text, size_t indent, size_t width) {
    std::string lines;
    while (!text.empty()) {
        size_t length = text.size();
        if (length > width - indent) length = text.rfind(' ', width - indent);
        lines += std::string(indent, ' ') + std::string{text.substr(0, length)} + "\n";
        text.remove_prefix(std::min(length + 1, text.size()));
    }
    return lines;
}

std::string HelpEntry(const std::string& option, const std::string& help) {
    return "  --" + option + "\n" + Wrap(help, 8, 80);
}

std::string HelpEntry(const Key& key) {
    std::string help = key.help;
    const bool is_string = std::holds_alternative<std::string Settings::*>(key.member);
    if (!is_string && !IsDevices(key)) help += " Takes " + Allowed(key) + ".";
    if (!is_string) help += " Default: " + ShowValue(key, {}) + ".";
    return HelpEntry(OptionName(key) + "=" + key.placeholder, help);
}

}  // namespace

Invocation ParseCommandLine(int argc, char** argv) {
    const RawOptions raw = ParseOptions(argc, argv);
    Invocation invocation;
    invocation.action = raw.action;
    if (raw.action != Invocation::Action::kRun) return invocation;
    invocation.config_path =
        raw.has_config ? raw.config_path : FindConfigFile(geteuid() == 0);
    if (raw.has_config || !invocation.config_path.empty())
        LoadConfig(invocation.config_path, invocation.settings);
    ApplyOptions(raw, invocation.settings);
    return invocation;
}

std::string FindConfigFile(bool is_root) {
    const std::string directory = is_root ? "" : UserConfigDirectory();
    if (!directory.empty() && Exists(directory + "/shmd.conf"))
        return directory + "/shmd.conf";
    const std::string system = SHMD_SYSCONFDIR "/shmd.conf";
    return Exists(system) ? system : "";
}

std::string HelpText() {
    std::string text =
        "Usage: shmd [OPTION]...\n"
        "Mix and play the sound of ALSA applications.\n\n";
    for (const Key& key : Keys())
        text += HelpEntry(key);
    text += HelpEntry(
        "config=FILE",
        "Read this configuration file. If not given: "
        "$XDG_CONFIG_HOME/shmd.conf, unless root runs the server, else " SHMD_SYSCONFDIR
        "/shmd.conf. Options override the file.");
    text += HelpEntry("help", "Print this text.");
    return text + HelpEntry("version", "Print the version.");
}

}  // namespace shmd
