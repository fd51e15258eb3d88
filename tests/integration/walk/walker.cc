#include "walker.h"

#include <algorithm>
#include <cerrno>

namespace shmd::walk {

namespace {

constexpr snd_pcm_format_t kFormats[] = {
    SND_PCM_FORMAT_U8,         SND_PCM_FORMAT_S8,        SND_PCM_FORMAT_S16_LE,
    SND_PCM_FORMAT_S16_BE,     SND_PCM_FORMAT_S24_LE,    SND_PCM_FORMAT_S24_BE,
    SND_PCM_FORMAT_S24_3LE,    SND_PCM_FORMAT_S24_3BE,   SND_PCM_FORMAT_S32_LE,
    SND_PCM_FORMAT_S32_BE,     SND_PCM_FORMAT_FLOAT_LE,  SND_PCM_FORMAT_FLOAT_BE,
    SND_PCM_FORMAT_FLOAT64_LE, SND_PCM_FORMAT_FLOAT64_BE};

constexpr snd_pcm_access_t kAccesses[] = {
    SND_PCM_ACCESS_RW_INTERLEAVED, SND_PCM_ACCESS_RW_NONINTERLEAVED,
    SND_PCM_ACCESS_MMAP_INTERLEAVED, SND_PCM_ACCESS_MMAP_NONINTERLEAVED};

constexpr unsigned kMostSteps = 9;

struct Ends {
    uint64_t least, most;
};

Ends WholeEnds(const char* name, const snd_pcm_hw_params_t* params) {
    const Parameter& parameter = FindParameter(name);
    Value least;
    Value most;
    parameter.get_min(params, least);
    parameter.get_max(params, most);
    return {least.number + (least.direction > 0), most.number - (most.direction < 0)};
}

/** The bytes of a frame: the least and the most that are still possible. */
Ends FrameBytes(const snd_pcm_hw_params_t* params) {
    snd_pcm_format_mask_t* mask = nullptr;
    snd_pcm_format_mask_alloca(&mask);
    snd_pcm_hw_params_get_format_mask(const_cast<snd_pcm_hw_params_t*>(params), mask);
    Ends bits{64, 8};
    for (const snd_pcm_format_t format : kFormats) {
        if (!snd_pcm_format_mask_test(mask, format)) continue;
        const auto width = static_cast<uint64_t>(snd_pcm_format_physical_width(format));
        bits = {std::min(bits.least, width), std::max(bits.most, width)};
    }
    const Ends channels = WholeEnds("channels", params);
    return {bits.least / 8 * channels.least, bits.most / 8 * channels.most};
}

/** Whether there is one value for each: alsa-lib may choose none, and not say so. */
bool IsChosen(const snd_pcm_hw_params_t* params) {
    return std::ranges::all_of(Parameters(), [params](const Parameter& parameter) {
        Value value;
        return parameter.get(params, value) >= 0;
    });
}

/** An answer with a direction is a number and something: a later one may round it. */
bool IsAnswer(const Value& value, const Value& answer) {
    const uint64_t least = answer.number - (answer.direction == 0 ? 0 : 1);
    const uint64_t most = answer.number + (answer.direction == 0 ? 0 : 1);
    return value.number >= least && value.number <= most;
}

bool IsSingle(Verb verb) {
    return verb != Verb::kMin && verb != Verb::kMax;
}

}  // namespace

Walker::~Walker() {
    if (params_ != nullptr) snd_pcm_hw_params_free(params_);
    if (other_ != nullptr) snd_pcm_hw_params_free(other_);
}

void Walker::Wrong(const std::string& what) {
    if (wrong_.empty()) wrong_ = what + "\n    after" + calls_;
}

void Walker::Begin() {
    if (params_ == nullptr) snd_pcm_hw_params_malloc(&params_);
    if (other_ == nullptr) snd_pcm_hw_params_malloc(&other_);
    answers_.clear();
    calls_.clear();
    wrong_.clear();
    is_exact_ = false;
    is_set_ = false;
    if (const int error = snd_pcm_hw_params_any(pcm_, params_); error < 0)
        Wrong(std::string{"hw_params_any: "} + snd_strerror(error));
}

std::string Walker::Walk(uint32_t seed, bool moves_frames) {
    std::mt19937 random{seed};
    Begin();
    if (IsTame()) Settle(random);
    for (auto steps = 1 + random() % kMostSteps; steps > 0 && wrong_.empty(); --steps)
        Step(random);
    if (wrong_.empty()) Set();
    if (wrong_.empty() && is_set_ && moves_frames) Move();
    return wrong_;
}

std::string Walker::Combine(snd_pcm_format_t format, unsigned channels, unsigned rate,
                            unsigned period_us, snd_pcm_uframes_t buffer_frames) {
    Begin();
    calls_ += std::string{" "} + snd_pcm_format_name(format);
    if (snd_pcm_hw_params_set_format(pcm_, params_, format) < 0) Wrong("set_format");
    Ask(FindParameter("channels"), Verb::kSet, {channels});
    Ask(FindParameter("rate"), Verb::kSet, {rate});
    if (period_us != 0) Ask(FindParameter("period_time"), Verb::kNear, {period_us});
    if (buffer_frames != 0)
        Ask(FindParameter("buffer_size"), Verb::kNear, {buffer_frames});
    if (wrong_.empty()) Set();
    return wrong_;
}

void Walker::Step(std::mt19937& random) {
    const auto all = IsTame() ? Sizes() : Parameters();
    const auto which = random() % (all.size() + (IsTame() ? 0 : 2));
    if (which == all.size()) return AskFormat(random);
    if (which == all.size() + 1) return AskAccess(random);
    const Parameter& parameter = all[which];
    const Verb verb = kVerbs[random() % std::size(kVerbs)];
    Ask(parameter, verb, {parameter.pick(random)});
}

/** As programs begin: those four, in any order; then only sizes are left. */
void Walker::Settle(std::mt19937& random) {
    constexpr uint64_t kRates[] = {8000, 11025, 22050, 44100, 48000, 88200, 96000};
    unsigned left[] = {0, 1, 2, 3};
    std::ranges::shuffle(left, random);
    for (const unsigned which : left) {
        if (which == 0) AskFormat(random);
        if (which == 1) AskAccess(random);
        if (which == 2) Ask(FindParameter("channels"), Verb::kFirst, {});
        if (which == 3)
            Ask(FindParameter("rate"), Verb::kNear,
                {kRates[random() % std::size(kRates)]});
    }
}

void Walker::AskFormat(std::mt19937& random) {
    const snd_pcm_format_t format = kFormats[random() % std::size(kFormats)];
    calls_ += std::string{" set_format("} + snd_pcm_format_name(format) + ")";
    // After others have been settled some are too wide or too narrow: that may be
    // refused.
    if (snd_pcm_hw_params_set_format(pcm_, params_, format) < 0) calls_ += "=refused";
}

void Walker::AskAccess(std::mt19937& random) {
    const snd_pcm_access_t access = kAccesses[random() % std::size(kAccesses)];
    calls_ += std::string{" set_access("} + snd_pcm_access_name(access) + ")";
    if (snd_pcm_hw_params_set_access(pcm_, params_, access) < 0) calls_ += "=refused";
}

void Walker::Ask(const Parameter& parameter, Verb verb, Value value) {
    if (!wrong_.empty()) return;
    snd_pcm_hw_params_copy(other_, params_);
    calls_ += " " + Name(parameter, verb, value);
    Value answer = value;
    const int error = parameter.ask(pcm_, params_, verb, answer);
    if (error >= 0) {
        calls_ += "=" + std::to_string(answer.number);
        return Answered(parameter, verb, answer);
    }
    calls_ += "=refused";
    RequireRefusal(parameter, verb, value);
    // Some of them leave the parameters empty.
    snd_pcm_hw_params_copy(params_, other_);
}

void Walker::Answered(const Parameter& parameter, Verb verb, const Value& value) {
    if (IsSingle(verb)) answers_.emplace(&parameter, value);
    // A time that is asked for before the rate is known need not be whole frames of it.
    const bool is_early_time = parameter.is_time && !HasRate();
    is_exact_ = is_exact_ || is_early_time || (parameter.is_size && verb == Verb::kSet);
}

/** `other_` has the parameters as they were before the call. */
void Walker::RequireRefusal(const Parameter& parameter, Verb verb, const Value& value) {
    if (kind_ == Kind::kRounded) return;
    snd_pcm_hw_params_t* tried = nullptr;
    snd_pcm_hw_params_alloca(&tried);
    snd_pcm_hw_params_copy(tried, other_);
    Value answer = value;
    if (parameter.ask(reference_, tried, verb, answer) < 0) return;
    if (HasWholeSizes(tried))
        Wrong("refused, and the reference answers " + std::to_string(answer.number));
}

/** Whether there is a buffer of whole periods that is within the limits for sure. */
bool Walker::HasWholeSizes(const snd_pcm_hw_params_t* params) const {
    const Ends frame = FrameBytes(params);
    const Ends channels = WholeEnds("channels", params);
    const Ends rate = WholeEnds("rate", params);
    const Ends period = WholeEnds("period_size", params);
    const Ends periods = WholeEnds("periods", params);
    const Ends buffer = WholeEnds("buffer_size", params);
    if (channels.most > limits_.most_channels || rate.least < limits_.least_rate ||
        rate.most > limits_.most_rate || frame.least == 0)
        return false;
    const uint64_t least_period =
        std::max(period.least, (limits_.least_period_bytes - 1) / frame.least + 1);
    const uint64_t most_buffer =
        std::min({buffer.most, limits_.most_buffer_bytes / frame.most,
                  limits_.most_buffer_us * rate.least / 1000000});
    const uint64_t last = std::min(periods.most, limits_.most_periods);
    for (uint64_t count = std::max<uint64_t>(periods.least, 2); count <= last; ++count) {
        const uint64_t least = std::max(least_period, (buffer.least - 1) / count + 1);
        if (least <= std::min(period.most, most_buffer / count)) return true;
    }
    return false;
}

bool Walker::HasRate() const {
    Value rate;
    return FindParameter("rate").get(params_, rate) >= 0;
}

void Walker::Set() {
    snd_pcm_hw_params_copy(other_, params_);
    const int error = snd_pcm_hw_params(pcm_, params_);
    is_set_ = error >= 0 && IsChosen(params_);
    if (is_set_) return RequireAnswers();
    if (ReferenceChooses())
        Wrong(std::string{"hw_params: "} +
              (error < 0 ? snd_strerror(error) : "not all chosen"));
}

/** Whether the reference finds sizes in what was left. */
bool Walker::ReferenceChooses() {
    const bool is_set = snd_pcm_hw_params(reference_, other_) >= 0;
    return is_set && IsChosen(other_) && HasWholeSizes(other_);
}

void Walker::RequireAnswers() {
    for (const auto& [parameter, answer] : answers_) {
        Value value;
        const int error = parameter->get(params_, value);
        if (error < 0 || !IsAnswer(value, answer))
            Wrong(std::string{"answered "} + parameter->name + " " +
                  std::to_string(answer.number) + ", set " +
                  std::to_string(value.number));
    }
    snd_pcm_uframes_t buffer = 0;
    snd_pcm_uframes_t period = 0;
    snd_pcm_uframes_t answered = 0;
    snd_pcm_get_params(pcm_, &buffer, &period);
    snd_pcm_hw_params_get_buffer_size(params_, &answered);
    if (buffer != answered)
        Wrong("the PCM has a buffer of " + std::to_string(buffer) + ", and not of " +
              std::to_string(answered));
    if (kind_ == Kind::kWhole && !is_exact_ && (period == 0 || buffer % period != 0))
        Wrong("the period " + std::to_string(period) + " is no part of the buffer " +
              std::to_string(buffer));
}

/** Write as much as there is room for; recording waits for nothing. */
void Walker::Move() {
    if (snd_pcm_stream(pcm_) != SND_PCM_STREAM_PLAYBACK) return;
    snd_pcm_uframes_t buffer = 0;
    snd_pcm_uframes_t period = 0;
    snd_pcm_get_params(pcm_, &buffer, &period);
    snd_pcm_access_t access{};
    snd_pcm_hw_params_get_access(params_, &access);
    frames_.assign(static_cast<size_t>(snd_pcm_frames_to_bytes(
                       pcm_, static_cast<snd_pcm_sframes_t>(buffer))),
                   0);
    std::vector<void*> channels(64, frames_.data());
    snd_pcm_sframes_t moved = 0;
    switch (access) {
        case SND_PCM_ACCESS_RW_INTERLEAVED:
            moved = snd_pcm_writei(pcm_, frames_.data(), buffer);
            break;
        case SND_PCM_ACCESS_RW_NONINTERLEAVED:
            moved = snd_pcm_writen(pcm_, channels.data(), buffer);
            break;
        case SND_PCM_ACCESS_MMAP_INTERLEAVED:
            moved = snd_pcm_mmap_writei(pcm_, frames_.data(), buffer);
            break;
        default:
            moved = snd_pcm_mmap_writen(pcm_, channels.data(), buffer);
            break;
    }
    if (moved <= 0) Wrong("wrote " + std::to_string(moved));
    snd_pcm_drop(pcm_);
}

}  // namespace shmd::walk
