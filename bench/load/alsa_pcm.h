#pragma once

#include "bench/load/player.h"

#include <alsa/asoundlib.h>
#include <poll.h>
#include <string>
#include <vector>

namespace shmd::bench {

/** Errors of alsa-lib as std::runtime_error that begins with `what`. */
void RequireAlsa(int result, const char* what);

/**
 * An open PCM, nonblocking, read and written interleaved, that wakes with a period and
 * starts when it is full of whole ones. Thread: one at a time.
 */
class AlsaPcm {
  public:
    /** Errors: std::runtime_error. */
    AlsaPcm(const std::string& name, snd_pcm_stream_t direction, Player::Size wanted);
    ~AlsaPcm() { snd_pcm_close(handle_); }
    AlsaPcm(const AlsaPcm&) = delete;
    AlsaPcm& operator=(const AlsaPcm&) = delete;

    [[nodiscard]] snd_pcm_t* Handle() const noexcept { return handle_; }
    [[nodiscard]] Player::Size Size() const noexcept { return size_; }
    [[nodiscard]] const std::vector<pollfd>& Descriptors() const noexcept {
        return descriptors_;
    }

    /** What `polled`, Descriptors() after poll(2), says. Errors: std::runtime_error. */
    unsigned short Events(pollfd* polled);

  private:
    void SetHardware(Player::Size wanted);
    void SetSoftware();
    void GetDescriptors();

    snd_pcm_t* handle_ = nullptr;
    Player::Size size_;
    std::vector<pollfd> descriptors_;
};

}  // namespace shmd::bench
