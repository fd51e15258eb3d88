#pragma once

#include "bench/resamplers/candidate.h"

#include <cstdint>

namespace shmd::bench {

/** What is known of one resampler for one pair of rates. */
struct Figures {
    double snr_db = 0;             // a 997 Hz tone at -1 dBFS against all that is not it
    double ripple_db = 0;          // greatest less least gain, 20 Hz to 20 kHz
    double edge_hz = 0;            // where the gain falls below -0.1 dB
    double rejection_db = 0;       // images of tones up to 20 kHz; the alias of one above
    double latency_frames = 0;     // input frames from a sample's way in to its way out
    double frames_per_second = 0;  // stereo frames put out in a second of processor time
    uint64_t allocations = 0;      // inside the process calls, from the first one on
};

/** Measure one resampler. Takes some seconds. */
Figures Measure(const CandidateKind& kind, uint32_t in_rate_hz, uint32_t out_rate_hz);

}  // namespace shmd::bench
