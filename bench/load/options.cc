#include "bench/load/options.h"

#include <getopt.h>
#include <array>
#include <stdexcept>

namespace shmd::bench {
namespace {

uint32_t Frames(const char* text) {
    return static_cast<uint32_t>(std::stoul(text));
}

constexpr std::array kLongOptions{
    option{"pcm", required_argument, nullptr, 'D'},
    option{"streams", required_argument, nullptr, 'n'},
    option{"period", required_argument, nullptr, 'p'},
    option{"buffer", required_argument, nullptr, 'b'},
    option{"settle", required_argument, nullptr, 's'},
    option{"seconds", required_argument, nullptr, 'w'},
    option{"server-pid", required_argument, nullptr, 'S'},
    option{"record", no_argument, nullptr, 'r'},
    option{"alone", no_argument, nullptr, 'a'},
    option{"opens", required_argument, nullptr, 'o'},
    option{"trip", required_argument, nullptr, 't'},
    option{nullptr, 0, nullptr, 0},
};

void Set(Options& options, int key, const char* value) {
    switch (key) {
        case 'D':
            options.pcm = value;
            break;
        case 'n':
            options.crowd.streams = Frames(value);
            break;
        case 'p':
            options.crowd.size.period_frames = Frames(value);
            break;
        case 'b':
            options.crowd.size.buffer_frames = Frames(value);
            break;
        case 's':
            options.crowd.settle_s = std::stod(value);
            break;
        case 'w':
            options.crowd.window_s = std::stod(value);
            break;
        case 'S':
            options.crowd.servers.push_back(std::stoi(value));
            break;
        case 'r':
            options.record = true;
            break;
        case 'a':
            options.alone = true;
            break;
        case 'o':
            options.opens = Frames(value);
            break;
        case 't':
            options.monitor = value;
            break;
        default:
            throw std::invalid_argument{"see bench/run, which is who calls this"};
    }
}

}  // namespace

Options ParseOptions(int argc, char** argv) {
    Options options;
    int key = 0;
    while ((key = getopt_long(argc, argv, "", kLongOptions.data(), nullptr)) != -1)
        Set(options, key, optarg);
    if (optind != argc) throw std::invalid_argument{"no argument is expected"};
    return options;
}

}  // namespace shmd::bench
