#pragma once

#include <alsa/asoundlib.h>
#include <cstdint>
#include <random>
#include <span>
#include <string>

namespace shmd::walk {

/** What alsa-lib's functions do to a parameter; each is a suffix, kSet is no suffix. */
enum class Verb { kSet, kNear, kMin, kMax, kFirst, kLast };
constexpr Verb kVerbs[] = {Verb::kSet, Verb::kNear,  Verb::kMin,
                           Verb::kMax, Verb::kFirst, Verb::kLast};

/** alsa-lib's value and direction: whether it is the number, or more or less than it. */
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
    /** A value that programs ask for, or any other. */
    uint64_t (*pick)(std::mt19937& random);
    bool is_size;  // of a period or of the buffer, in whatever unit
    bool is_time;
};

std::span<const Parameter> Parameters();
std::span<const Parameter> Sizes();
const Parameter& FindParameter(const std::string& name);

/** As a person would write the call. */
std::string Name(const Parameter& parameter, Verb verb, const Value& value);

}  // namespace shmd::walk
