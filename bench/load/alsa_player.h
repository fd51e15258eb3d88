#pragma once

#include "bench/load/alsa_pcm.h"
#include "bench/load/player.h"

#include <optional>
#include <string>
#include <vector>

namespace shmd::bench {

/** A PCM of alsa-lib, by its public functions alone. Thread: one at a time. */
class AlsaPlayer : public Player {
  public:
    explicit AlsaPlayer(std::string name) : name_{std::move(name)} {}

    Size Open(Size wanted) override;
    Wake Wait() override;
    std::optional<uint32_t> Write(uint32_t most_periods) override;
    void Recover() override;

  private:
    std::string name_;
    std::optional<AlsaPcm> pcm_;
    std::vector<pollfd> polled_;
    std::vector<int16_t> sound_;  // one period, written over and over
};

}  // namespace shmd::bench
