#pragma once

#include "bench/load/board.h"
#include "bench/load/player.h"
#include "bench/load/wake_times.h"

namespace shmd::bench {

/**
 * One stream's life: open, fill, then write a period whenever there is room for one,
 * until the board says stop. Tells the board all of it, also why it failed.
 */
class Writer {
  public:
    Writer(Player& player, Board& board, Slot& slot);

    /** Returns when stopped. @return whether it went well */
    bool Run(Player::Size wanted) noexcept;

  private:
    void Start(Player::Size wanted);
    uint32_t Fill();
    void Turn(WakeTimes& times);
    void OnXrun(WakeTimes& times);

    Player& player_;
    Board& board_;
    Slot& slot_;
};

}  // namespace shmd::bench
