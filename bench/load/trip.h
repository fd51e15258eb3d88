#pragma once

#include "bench/load/alsa_pcm.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

namespace shmd::bench {

/**
 * The way of a sound from a player to who records what is played: pulses, one after the
 * other, through two PCMs of this process, each kept going by poll(2).
 *
 * Of each pulse, in frames from when it was handed over: what snd_pcm_delay then said
 * (`delay`), when it was at the device by what the recorder's position says (`device`),
 * and when the recorder had it (`arrival`).
 */
class Trip {
  public:
    /** Errors: std::runtime_error. */
    Trip(const std::string& player, const std::string& monitor, Player::Size size);

    /** Errors: std::runtime_error, also when pulses are not heard. */
    nlohmann::json Measure(uint32_t pulses);

  private:
    struct Pulse {
        int64_t written_ns;
        snd_pcm_sframes_t delay_frames;
    };

    void Turn();
    void Play();
    void Record();
    void WritePeriod(const std::vector<int16_t>& sound);
    void OnArrival(size_t frame, size_t frames, int64_t now_ns);

    AlsaPcm recorder_;
    AlsaPcm player_;
    std::vector<pollfd> polled_;
    std::vector<int16_t> silence_;
    std::vector<int16_t> pulse_sound_;
    std::vector<int16_t> recorded_;
    std::optional<Pulse> pulse_;  // under way
    int64_t next_pulse_ns_ = 0;
    uint32_t xruns_ = 0;
    nlohmann::json found_ = nlohmann::json::array();
};

}  // namespace shmd::bench
