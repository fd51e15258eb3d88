#pragma once

#include "bench/floor/ring.h"
#include "bench/load/player.h"

namespace shmd::bench {

/** The floor's client: poll(2) and read(2) of an eventfd, and one copy of each frame. */
class RingPlayer : public Player {
  public:
    explicit RingPlayer(Ring& ring) : ring_{ring} {}

    Size Open(Size wanted) override;
    Wake Wait() override;
    std::optional<uint32_t> Write(uint32_t most_periods) override;
    void Recover() override {}

  private:
    Ring& ring_;
    Size size_;
    std::vector<int16_t> sound_;
};

}  // namespace shmd::bench
