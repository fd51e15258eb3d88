#pragma once

#include "bench/load/alsa_pcm.h"
#include "bench/load/player.h"

#include <optional>
#include <string>
#include <vector>

namespace shmd::bench {

/**
 * The other direction in a player's place: to "write" is to read what was captured.
 * Thread: one at a time.
 */
class AlsaRecorder : public Player {
  public:
    explicit AlsaRecorder(std::string name) : name_{std::move(name)} {}

    Size Open(Size wanted) override;
    Wake Wait() override;
    std::optional<uint32_t> Write(uint32_t most_periods) override;
    void Recover() override;

  private:
    std::string name_;
    std::optional<AlsaPcm> pcm_;
    std::vector<pollfd> polled_;
    std::vector<int16_t> sound_;  // one period, read over and over
};

}  // namespace shmd::bench
