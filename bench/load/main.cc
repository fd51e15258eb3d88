// Plays to a PCM as many programs would, and measures what that costs: see bench/run.

#include "bench/load/alone.h"
#include "bench/load/alsa_player.h"
#include "bench/load/alsa_recorder.h"
#include "bench/load/options.h"
#include "bench/load/trip.h"

#include <cstdio>
#include <exception>
#include <memory>

namespace {

using namespace shmd::bench;

constexpr uint32_t kPulses = 10;

nlohmann::json Run(const Options& options) {
    const auto make_player = [&options](uint32_t) -> std::unique_ptr<Player> {
        if (options.record) return std::make_unique<AlsaRecorder>(options.pcm);
        return std::make_unique<AlsaPlayer>(options.pcm);
    };
    if (!options.monitor.empty())
        return Trip{options.pcm, options.monitor, options.crowd.size}.Measure(kPulses);
    if (options.opens != 0)
        return OpenAgainAndAgain(make_player, options.crowd.size, options.opens);
    if (options.alone) return PlayAlone(*make_player(0), options.crowd);
    // Read once, and not by each of a thousand writers when all start at once.
    RequireAlsa(snd_config_update(), "snd_config_update");
    return Crowd{make_player, options.crowd}.Measure();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        std::printf("%s\n", Run(ParseOptions(argc, argv)).dump().c_str());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load: %s\n", error.what());
        return 1;
    }
}
