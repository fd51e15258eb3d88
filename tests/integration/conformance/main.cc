// conformance --pcm NAME: does this PCM keep ALSA's contract? One line a rule.

#include "report.h"

#include <getopt.h>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>

namespace {

using shmd::conformance::AllCases;
using shmd::conformance::Bench;
using shmd::conformance::Case;
using shmd::conformance::Result;

constexpr const char* kUsage = R"(Usage: conformance --pcm NAME [OPTION]...

Asks an ALSA PCM, by alsa-lib's public calls alone, whether it keeps the contract: one row
a rule, in a process of its own. Prints a line a row, and `N passed, N failed, N skipped`.

  --pcm NAME           the PCM
  --capture-pcm NAME   the one for capture, if it is another
  --filter PART        the rows with PART in their ids
  --list               print the rows and their rules
  --json FILE          write the results there, too
  --jobs N             so many rows at once (4)
  --period FRAMES      the usual period (960); everything is in periods, so a machine that
                       is slow or busy wants more
  --deadline SECONDS   a row that takes longer has failed (20)
  --help               print this text
)";

struct Options {
    Bench bench;
    std::string filter;
    std::string json_path;
    bool list = false;
    unsigned jobs = 4;
    double deadline_s = 20;
};

[[noreturn]] void Misused() {
    std::cerr << kUsage;
    std::exit(64);
}

unsigned long Number(const char* text) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(text, &end, 10);
    if (*end != 0 || value == 0) Misused();
    return value;
}

void Take(int option, Options& options) {
    switch (option) {
        case 'p':
            options.bench.playback_pcm = optarg;
            break;
        case 'c':
            options.bench.capture_pcm = optarg;
            break;
        case 'f':
            options.filter = optarg;
            break;
        case 'l':
            options.list = true;
            break;
        case 'o':
            options.json_path = optarg;
            break;
        case 'j':
            options.jobs = static_cast<unsigned>(Number(optarg));
            break;
        case 'n':
            options.bench.period_frames = Number(optarg);
            break;
        case 'd':
            options.deadline_s = static_cast<double>(Number(optarg));
            break;
        case 'h':
            std::cout << kUsage;
            std::exit(0);
        default:
            Misused();
    }
}

Options Read(int argc, char** argv) {
    static const option kOptions[] = {{"pcm", required_argument, nullptr, 'p'},
                                      {"capture-pcm", required_argument, nullptr, 'c'},
                                      {"filter", required_argument, nullptr, 'f'},
                                      {"list", no_argument, nullptr, 'l'},
                                      {"json", required_argument, nullptr, 'o'},
                                      {"jobs", required_argument, nullptr, 'j'},
                                      {"period", required_argument, nullptr, 'n'},
                                      {"deadline", required_argument, nullptr, 'd'},
                                      {"help", no_argument, nullptr, 'h'},
                                      {nullptr, 0, nullptr, 0}};
    Options options;
    for (int one; (one = ::getopt_long(argc, argv, "", kOptions, nullptr)) != -1;)
        Take(one, options);
    if (optind != argc || (options.bench.playback_pcm.empty() && !options.list))
        Misused();
    if (options.bench.capture_pcm.empty())
        options.bench.capture_pcm = options.bench.playback_pcm;
    return options;
}

int List(const std::vector<Case>& cases) {
    for (const Case& one : cases)
        std::cout << one.id << ": " << one.row->rule << '\n';
    return 0;
}

int Run(const Options& options, const std::vector<Case>& cases) {
    const std::vector<Result> results =
        RunAll(cases, options.bench, options.jobs, options.deadline_s,
               [](const Result& result) { std::cout << Line(result) << std::endl; });
    if (!options.json_path.empty()) {
        std::ofstream file{options.json_path};
        file << Json(results, options.bench);
        if (!file.flush()) {
            std::perror(options.json_path.c_str());
            return 1;
        }
    }
    std::cout << CountLine(results) << std::endl;
    return HasFailed(results) ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = Read(argc, argv);
    const std::vector<Case> cases = AllCases(options.filter);
    return options.list ? List(cases) : Run(options, cases);
}
