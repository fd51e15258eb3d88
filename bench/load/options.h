#pragma once

#include "bench/load/crowd.h"

#include <string>
#include <vector>

namespace shmd::bench {

/** What a command line asks for. */
struct Options {
    std::string pcm = "shm";
    std::string monitor;  // --trip: record this one
    bool record = false;  // --record: the others record, and do not play
    bool alone = false;   // --alone: this process is the only writer
    uint32_t opens = 0;   // --opens N: open and close so many times
    CrowdOptions crowd;
};

/**
 * Thread: one at a time (getopt_long).
 * Errors: std::invalid_argument, one sentence.
 */
Options ParseOptions(int argc, char** argv);

}  // namespace shmd::bench
