#pragma once

#include "bench/load/player.h"

#include <alsa/asoundlib.h>
#include <poll.h>
#include <string>
#include <vector>

namespace shmd::bench {

/** A PCM of alsa-lib, by its public functions alone. Thread: one at a time. */
class AlsaPlayer : public Player {
  public:
    explicit AlsaPlayer(std::string name);
    ~AlsaPlayer() override;
    AlsaPlayer(const AlsaPlayer&) = delete;
    AlsaPlayer& operator=(const AlsaPlayer&) = delete;

    Size Open(Size wanted) override;
    Wake Wait() override;
    std::optional<uint32_t> Write(uint32_t most_periods) override;
    void Recover() override;

    [[nodiscard]] snd_pcm_t* Handle() const noexcept { return pcm_; }

  private:
    Size SetHardware(Size wanted);
    void SetSoftware();
    void GetDescriptors();

    std::string name_;
    snd_pcm_t* pcm_ = nullptr;
    Size size_;
    std::vector<pollfd> descriptors_;
    std::vector<int16_t> sound_;  // one period, written over and over
};

/** Errors of alsa-lib as std::runtime_error that begins with `what`. */
void RequireAlsa(int result, const char* what);

}  // namespace shmd::bench
