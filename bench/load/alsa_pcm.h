#pragma once

#include "bench/load/player.h"

#include <alsa/asoundlib.h>
#include <poll.h>
#include <optional>
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

    /**
     * As Player::Wait().
     * @param polled  a copy of Descriptors()
     * @param ready   POLLOUT or POLLIN: the event that a period can be moved
     */
    Player::Wake Wait(std::vector<pollfd>& polled, short ready);

    /** @return how many can be moved; nothing after an xrun. As Player::Write(). */
    std::optional<uint32_t> AvailPeriods();

    /**
     * @param moved  what moving one period returned
     * @return whether it was moved; false after an xrun. Errors: std::runtime_error.
     */
    [[nodiscard]] bool IsMoved(snd_pcm_sframes_t moved) const;

  private:
    void SetHardware(Player::Size wanted);
    void SetSoftware();
    void GetDescriptors();

    snd_pcm_t* handle_ = nullptr;
    Player::Size size_;
    std::vector<pollfd> descriptors_;
};

}  // namespace shmd::bench
