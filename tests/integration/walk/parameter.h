#pragma once

#include <alsa/asoundlib.h>
#include <cstdint>
#include <random>
#include <span>
#include <string>

namespace shmd::walk {

/** What alsa-lib's functions do to a parameter; each is a suffix, kSet is none. */
enum class Verb { kSet, kNear, kMin, kMax, kFirst, kLast };
constexpr Verb kVerbs[] = {Verb::kSet, Verb::kNear,  Verb::kMin,
                           Verb::kMax, Verb::kFirst, Verb::kLast};

/** A number, and where it lies beside it: alsa-lib's value and direction. */
struct Value {
    uint64_t number = 0;
    int direction = 0;
};

/** A parameter that is an interval to alsa-lib: a size, a time, a count. */
struct Parameter {
    const char* name;
    /** snd_pcm_hw_params_set_NAME_VERB. `value` is what to ask, then what is answered. */
    int (*ask)(snd_pcm_t* pcm, snd_pcm_hw_params_t* params, Verb verb, Value& value);
    int (*get)(const snd_pcm_hw_params_t* params, Value& value);
    int (*get_min)(const snd_pcm_hw_params_t* params, Value& value);
    int (*get_max)(const snd_pcm_hw_params_t* params, Value& value);
    /** What programs ask for, and anything else. */
    uint64_t (*pick)(std::mt19937& random);
    bool is_size;  // of a period or of the buffer, whichever way it is said
    bool is_time;
};

std::span<const Parameter> Parameters();
std::span<const Parameter> Sizes();
const Parameter& FindParameter(const std::string& name);

/** As a person would write the call. */
std::string Name(const Parameter& parameter, Verb verb, const Value& value);

}  // namespace shmd::walk
