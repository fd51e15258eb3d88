#pragma once

#include "parameter.h"

#include <alsa/asoundlib.h>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace shmd::walk {

/** What the PCM under test cannot do at all, so that it is right to refuse it. */
struct Limits {
    unsigned most_channels = 32;
    uint64_t least_rate = 4000, most_rate = 384000;
    uint64_t least_period_bytes = 64;
    uint64_t most_buffer_bytes = 4 << 20;
    uint64_t most_buffer_us = 2000000;
    uint64_t most_periods = 1024;
};

/**
 * kWhole: any calls; sizes that only "near" and similar calls asked for are whole
 * periods. kTame: a walk begins as programs do, with format, access, channels and rate,
 * and then asks for sizes, because some of alsa-lib's plugins assert that order.
 * kRounded: the same, but refusals are not checked, because the rate plugin has rules of
 * its own.
 */
enum class Kind { kWhole, kTame, kRounded };

/**
 * Narrows a PCM's parameters by random calls, sets what is left, and says what of it was
 * wrong:
 *
 * - the PCM refuses a call that `reference` accepts with the same parameters, although
 *   both could have a buffer of whole periods;
 * - hw_params fails, or sets something else than a call answered;
 * - a size that only "near" and similar calls asked for gives no buffer of whole periods;
 * - with what was set, frames cannot be written (read).
 *
 * Each walk depends only on its seed. Both PCMs stay the caller's.
 */
class Walker {
  public:
    Walker(snd_pcm_t* pcm, snd_pcm_t* reference, Kind kind)
        : pcm_{pcm}, reference_{reference}, kind_{kind} {}
    ~Walker();
    Walker(const Walker&) = delete;
    Walker& operator=(const Walker&) = delete;

    /** @return what was wrong, and the calls that led there; empty: nothing */
    std::string Walk(uint32_t seed, bool moves_frames);

    /** The plain way: these, and `period_us` and `buffer_frames` if they are not 0. */
    std::string Combine(snd_pcm_format_t format, unsigned channels, unsigned rate,
                        unsigned period_us, snd_pcm_uframes_t buffer_frames);

  private:
    bool IsTame() const { return kind_ != Kind::kWhole; }
    void Begin();
    void Settle(std::mt19937& random);
    void Step(std::mt19937& random);
    bool HasRate() const;
    void AskFormat(std::mt19937& random);
    void AskAccess(std::mt19937& random);
    void Ask(const Parameter& parameter, Verb verb, Value value);
    void Answered(const Parameter& parameter, Verb verb, const Value& value);
    void RequireRefusal(const Parameter& parameter, Verb verb, const Value& value);
    bool HasWholeSizes(const snd_pcm_hw_params_t* params) const;
    void Set();
    bool ReferenceChooses();
    void RequireAnswers();
    void Move();
    void Wrong(const std::string& what);

    snd_pcm_t* pcm_;
    snd_pcm_t* reference_;
    Kind kind_;
    Limits limits_;
    snd_pcm_hw_params_t* params_ = nullptr;
    snd_pcm_hw_params_t* other_ = nullptr;
    std::map<const Parameter*, Value> answers_;
    std::string calls_;
    std::string wrong_;
    bool is_exact_ = false;  // a size was asked for that need not be whole
    bool is_set_ = false;    // hw_params has chosen all of them
    std::vector<unsigned char> frames_;
};

}  // namespace shmd::walk
