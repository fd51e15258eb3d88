#include "parameter.h"

#include <cassert>
#include <cmath>
#include <type_traits>

namespace shmd::walk {

namespace {

template <auto set, auto near, auto min, auto max, auto first, auto last>
int AskWithDirection(snd_pcm_t* pcm, snd_pcm_hw_params_t* params, Verb verb, Value& value,
                     auto number) {
    int error = 0;
    switch (verb) {
        case Verb::kSet:
            error = set(pcm, params, number, value.direction);
            break;
        case Verb::kNear:
            error = near(pcm, params, &number, &value.direction);
            break;
        case Verb::kMin:
            error = min(pcm, params, &number, &value.direction);
            break;
        case Verb::kMax:
            error = max(pcm, params, &number, &value.direction);
            break;
        case Verb::kFirst:
            error = first(pcm, params, &number, &value.direction);
            break;
        case Verb::kLast:
            error = last(pcm, params, &number, &value.direction);
            break;
    }
    value.number = number;
    return error;
}

template <auto set, auto near, auto min, auto max, auto first, auto last>
int AskWithout(snd_pcm_t* pcm, snd_pcm_hw_params_t* params, Verb verb, Value& value,
               auto number) {
    int error = 0;
    switch (verb) {
        case Verb::kSet:
            error = set(pcm, params, number);
            break;
        case Verb::kNear:
            error = near(pcm, params, &number);
            break;
        case Verb::kMin:
            error = min(pcm, params, &number);
            break;
        case Verb::kMax:
            error = max(pcm, params, &number);
            break;
        case Verb::kFirst:
            error = first(pcm, params, &number);
            break;
        case Verb::kLast:
            error = last(pcm, params, &number);
            break;
    }
    value.number = number;
    return error;
}

template <auto get, typename Number>
int Get(const snd_pcm_hw_params_t* params, Value& value) {
    Number number = 0;
    int error = 0;
    if constexpr (std::is_invocable_v<decltype(get), const snd_pcm_hw_params_t*, Number*,
                                      int*>)
        error = get(params, &number, &value.direction);
    else
        error = get(params, &number);
    value.number = number;
    return error;
}

template <size_t count>
uint64_t PickOf(const uint64_t (&usual)[count], uint64_t most, std::mt19937& random) {
    if (random() % 3 != 0) return usual[random() % count];
    // As many small ones as great ones.
    const double scale = std::uniform_real_distribution<double>{0, 1}(random);
    return static_cast<uint64_t>(std::pow(static_cast<double>(most), scale));
}

uint64_t PickFrames(std::mt19937& random) {
    constexpr uint64_t kUsual[] = {16,   32,   64,    128,   160,   256,   441,   480,
                                   512,  882,  960,   1000,  1023,  1024,  1102,  2048,
                                   4096, 4410, 4800,  4799,  5512,  7777,  8192,  8820,
                                   9600, 9973, 12345, 16384, 22050, 44100, 48000, 65536};
    return PickOf(kUsual, 200000, random);
}

uint64_t PickTime(std::mt19937& random) {
    constexpr uint64_t kUsual[] = {1000,    2000,    5000,   10000,  20000,  21333,
                                   23219,   25000,   40000,  50000,  63999,  69659,
                                   92879,   100000,  125000, 200000, 371519, 500000,
                                   1000000, 2000000, 6000000};
    return PickOf(kUsual, 20000000, random);
}

uint64_t PickPeriods(std::mt19937& random) {
    constexpr uint64_t kUsual[] = {1, 2, 2, 3, 3, 4, 4, 5, 7, 8, 16, 32, 64, 1024};
    return PickOf(kUsual, 3000, random);
}

uint64_t PickRate(std::mt19937& random) {
    constexpr uint64_t kUsual[] = {8000,  11025,  12000,  16000, 22050, 24000,
                                   32000, 44100,  44100,  48000, 48000, 88200,
                                   96000, 176400, 192000, 384000};
    return PickOf(kUsual, 500000, random);
}

uint64_t PickChannels(std::mt19937& random) {
    constexpr uint64_t kUsual[] = {1, 2, 2, 2, 2, 3, 4, 5, 6, 7, 8, 32};
    return PickOf(kUsual, 40, random);
}

// The names are made of these, as alsa-lib's functions are.
#define SHMD_ASKS(asks, name, Number)                                                   \
    [](snd_pcm_t* pcm, snd_pcm_hw_params_t* params, Verb verb, Value& value) {          \
        return asks<                                                                    \
            snd_pcm_hw_params_set_##name, snd_pcm_hw_params_set_##name##_near,          \
            snd_pcm_hw_params_set_##name##_min, snd_pcm_hw_params_set_##name##_max,     \
            snd_pcm_hw_params_set_##name##_first, snd_pcm_hw_params_set_##name##_last>( \
            pcm, params, verb, value, static_cast<Number>(value.number));               \
    },                                                                                  \
        Get<snd_pcm_hw_params_get_##name, Number>,                                      \
        Get<snd_pcm_hw_params_get_##name##_min, Number>,                                \
        Get<snd_pcm_hw_params_get_##name##_max, Number>

constexpr Parameter kParameters[] = {
    {"channels", SHMD_ASKS(AskWithout, channels, unsigned), PickChannels, false, false},
    {"rate", SHMD_ASKS(AskWithDirection, rate, unsigned), PickRate, false, false},
    {"period_size", SHMD_ASKS(AskWithDirection, period_size, snd_pcm_uframes_t),
     PickFrames, true, false},
    {"period_time", SHMD_ASKS(AskWithDirection, period_time, unsigned), PickTime, true,
     true},
    {"periods", SHMD_ASKS(AskWithDirection, periods, unsigned), PickPeriods, true, false},
    {"buffer_size", SHMD_ASKS(AskWithout, buffer_size, snd_pcm_uframes_t), PickFrames,
     true, false},
    {"buffer_time", SHMD_ASKS(AskWithDirection, buffer_time, unsigned), PickTime, true,
     true},
};
#undef SHMD_ASKS

constexpr const char* kSuffixes[] = {"", "_near", "_min", "_max", "_first", "_last"};

}  // namespace

std::span<const Parameter> Parameters() {
    return kParameters;
}

std::span<const Parameter> Sizes() {
    return std::span{kParameters}.subspan(2);
}

const Parameter& FindParameter(const std::string& name) {
    for (const Parameter& parameter : kParameters)
        if (name == parameter.name) return parameter;
    assert(false);
    return kParameters[0];
}

std::string Name(const Parameter& parameter, Verb verb, const Value& value) {
    std::string text =
        std::string{"set_"} + parameter.name + kSuffixes[static_cast<size_t>(verb)];
    if (verb == Verb::kFirst || verb == Verb::kLast) return text + "()";
    return text + "(" + std::to_string(value.number) + ")";
}

}  // namespace shmd::walk
