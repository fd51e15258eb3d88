// Measures the resampling libraries that were found, for doc/decisions/0001-resampler.md.

#include "bench/resamplers/candidate.h"
#include "bench/resamplers/measure.h"

#include <cstdio>

namespace {

void PrintTable(uint32_t in_rate_hz, uint32_t out_rate_hz) {
    std::printf("\n%u to %u Hz\n\n", in_rate_hz, out_rate_hz);
    std::printf(
        "| library | SNR dB | ripple dB | -0.1 dB at Hz | rejection dB "
        "| latency ms | Mframes/s | allocations |\n");
    std::printf("|---|---|---|---|---|---|---|---|\n");
    for (const auto& kind : shmd::bench::AllCandidates()) {
        const auto figures = shmd::bench::Measure(kind, in_rate_hz, out_rate_hz);
        std::printf("| %s | %.1f | %.3f | %.0f | %.1f | %.2f | %.2f | %llu |\n",
                    kind.name.c_str(), figures.snr_db, figures.ripple_db, figures.edge_hz,
                    figures.rejection_db, 1000 * figures.latency_frames / in_rate_hz,
                    figures.frames_per_second / 1e6,
                    static_cast<unsigned long long>(figures.allocations));
        std::fflush(stdout);
    }
}

}  // namespace

int main() {
    PrintTable(44100, 48000);
    PrintTable(48000, 44100);
    return 0;
}
