#pragma once

#include "bench/load/board.h"
#include "bench/load/player.h"

#include <sys/types.h>
#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <vector>

namespace shmd::bench {

using MakePlayer = std::function<std::unique_ptr<Player>(uint32_t index)>;

/** What one measurement does. */
struct CrowdOptions {
    uint32_t streams = 1;
    Player::Size size{.period_frames = 1024, .buffer_frames = 4096};
    double settle_s = 0.5;  // from when all run to when it counts
    double window_s = 4;    // that counts
    std::vector<pid_t> servers;
};

/**
 * Many writers, each a process, and what they and their servers cost in a window of time
 * in which all of them run: what opens and ends is not counted.
 */
class Crowd {
  public:
    Crowd(MakePlayer make_player, CrowdOptions options);
    ~Crowd();
    Crowd(const Crowd&) = delete;
    Crowd& operator=(const Crowd&) = delete;

    /** Errors: std::system_error; std::runtime_error, a writer's own words. */
    nlohmann::json Measure();

  private:
    struct Sample {
        int64_t time_ns = 0;
        int64_t processor_ns = 0;
        uint64_t switches = 0;
        uint64_t periods = 0;
        uint64_t wakes = 0;
        uint64_t idle_wakes = 0;
        uint64_t timeouts = 0;
        uint64_t xruns = 0;
    };

    void Fork();
    void AwaitStarting(size_t most, int64_t end_ns);
    void RequireNoneFailed();
    void Stop();
    [[nodiscard]] std::vector<Sample> TakeSamples();
    [[nodiscard]] Sample SampleWriter(uint32_t index);
    [[nodiscard]] std::vector<uint64_t> PssOf(const std::vector<pid_t>& pids) const;
    [[nodiscard]] nlohmann::json WriterReport(uint32_t index, const Sample& before,
                                              const Sample& after);

    MakePlayer make_player_;
    CrowdOptions options_;
    Board board_;
    std::vector<pid_t> writers_;
};

}  // namespace shmd::bench
