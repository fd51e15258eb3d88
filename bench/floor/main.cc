// The least that any server can cost: see bench/run, which measures it beside them.

#include "bench/floor/ring_player.h"
#include "bench/load/options.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <exception>
#include <system_error>

namespace {

using namespace shmd::bench;

pid_t ForkServer(Rings& rings, uint32_t period_frames) {
    const pid_t pid = fork();
    if (pid < 0) throw std::system_error{errno, std::system_category(), "fork"};
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        Serve(rings, period_frames);
    }
    return pid;
}

nlohmann::json Run(Options options) {
    const auto& size = options.crowd.size;
    Rings rings;
    for (uint32_t i = 0; i < options.crowd.streams; ++i)
        rings.push_back(std::make_unique<Ring>(size.buffer_frames));
    const pid_t server = ForkServer(rings, size.period_frames);
    options.crowd.servers = {server};
    const auto make_player = [&rings](uint32_t index) {
        return std::make_unique<RingPlayer>(*rings[index]);
    };
    auto report = Crowd{make_player, options.crowd}.Measure();
    kill(server, SIGKILL);
    waitpid(server, nullptr, 0);
    return report;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        std::printf("%s\n", Run(ParseOptions(argc, argv)).dump().c_str());
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "floor: %s\n", error.what());
        return 1;
    }
}
