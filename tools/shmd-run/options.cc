#include "tools/shmd-run/options.h"

#include <getopt.h>
#include <algorithm>
#include <sstream>
#include <string_view>

namespace shmd::run {
namespace {

constexpr const char* kHelp =
    R"(Usage: shmd-run [OPTION]... [--] COMMAND [ARGUMENT]...
Start a private shmd, run COMMAND against it, stop it, and exit as COMMAND did.
In COMMAND the ALSA names shm, shm:DEVICE and shm:monitor lead to the private server.

      --device=SPEC          a device of the server, e.g. virtual,wav=out.wav,rate=48000
                             (repeatable; the first is what shm plays to)
      --set=KEY=VALUE        any key of shmd.conf (repeatable)
      --stats=FILE           have the server write its statistics to FILE, as JSON
      --default              the ALSA name default leads to the private server too
      --log=FILE             write the server's log to FILE
      --verbose              have the server log everything
      --strict               fail if the server leaked descriptors or mappings
      --server-command=WORDS run the server under this program, e.g. 'valgrind -q'
      --help                 print this text
      --version              print the version

Exit status: COMMAND's own; 128+N if signal N killed it; 127 if it was not found, 126
if it could not be run; 125 if shmd-run or the server failed.
)";

enum Code { kDevice = 256, kSet, kStats, kDefault, kLog, kVerbose, kStrict, kPrefix };

constexpr option kOptions[] = {{"device", required_argument, nullptr, kDevice},
                               {"set", required_argument, nullptr, kSet},
                               {"stats", required_argument, nullptr, kStats},
                               {"default", no_argument, nullptr, kDefault},
                               {"log", required_argument, nullptr, kLog},
                               {"verbose", no_argument, nullptr, kVerbose},
                               {"strict", no_argument, nullptr, kStrict},
                               {"server-command", required_argument, nullptr, kPrefix},
                               {"help", no_argument, nullptr, 'h'},
                               {"version", no_argument, nullptr, 'V'},
                               {nullptr, 0, nullptr, 0}};

/** `KEY=VALUE` as the server's option `--key=VALUE`. */
std::string ServerOption(const std::string& setting) {
    const size_t equals = setting.find('=');
    std::string key = setting.substr(0, equals);
    const bool key_valid =
        !key.empty() && std::all_of(key.begin(), key.end(), [](char character) {
            return (character >= 'a' && character <= 'z') ||
                   (character >= '0' && character <= '9') || character == '_';
        });
    if (equals != std::string::npos && key.find('-') != std::string::npos &&
        !key.starts_with('-')) {
        std::replace(key.begin(), key.end(), '-', '_');
        throw UsageError(
            "--set takes a key of shmd.conf, and keys have underscores: --set=" + key +
            setting.substr(equals));
    }
    if (equals == std::string::npos || !key_valid)
        throw UsageError("--set needs KEY=VALUE with a key of shmd.conf, not '" +
                         setting + "'");
    std::replace(key.begin(), key.end(), '_', '-');
    return "--" + key + setting.substr(equals);
}

std::vector<std::string> SplitAtSpaces(const std::string& text) {
    std::istringstream stream{text};
    std::vector<std::string> words;
    for (std::string word; stream >> word;)
        words.push_back(word);
    return words;
}

void Apply(int code, const char* value, Options& options) {
    switch (code) {
        case kDevice:
            options.server_arguments.push_back(std::string{"--device="} + value);
            break;
        case kSet:
            options.server_arguments.push_back(ServerOption(value));
            break;
        case kStats:
            options.server_arguments.push_back(std::string{"--stats-file="} + value);
            break;
        case kDefault:
            options.as_default = true;
            break;
        case kLog:
            options.log_file = value;
            break;
        case kVerbose:
            options.verbose = true;
            break;
        case kStrict:
            options.strict = true;
            break;
        case kPrefix:
            options.server_prefix = SplitAtSpaces(value);
            break;
        case 'h':
            options.action = Options::Action::kHelp;
            break;
        case 'V':
            options.action = Options::Action::kVersion;
            break;
        case ':':
            throw UsageError(std::string{"an argument is missing after "} + value);
        default:
            throw UsageError(std::string{"unknown option "} + value);
    }
}

bool HasDevice(const Options& options) {
    return std::ranges::any_of(options.server_arguments, [](const std::string& argument) {
        return argument.starts_with("--device=");
    });
}

}  // namespace

Options ParseOptions(int argc, char** argv) {
    Options options;
    opterr = 0;
    for (;;) {
        const int word = optind;
        // '+': stop at COMMAND, whose options are its own.  ':': tell what is missing.
        const int code = getopt_long(argc, argv, "+:", kOptions, nullptr);
        if (code == -1) break;
        Apply(code, code == '?' || code == ':' ? argv[word] : optarg, options);
        if (options.action != Options::Action::kRun) return options;
    }
    options.command.assign(argv + optind, argv + argc);
    if (options.command.empty()) throw UsageError("no command to run");
    // A server for one command has no business with the machine's cards, unless it is
    // told.
    if (!HasDevice(options)) options.server_arguments.emplace_back("--device=virtual");
    return options;
}

const char* HelpText() noexcept {
    return kHelp;
}

}  // namespace shmd::run
