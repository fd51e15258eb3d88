#include "device/alsa_choice.h"

#include "device/device_spec.h"
#include "wire/limits.h"

#include <algorithm>
#include <array>
#include <system_error>

namespace shmd::device {

namespace {

using audio::SampleFormat;

constexpr uint32_t kWantedRateHz = 48000;
constexpr uint32_t kWantedChannels = 2;
constexpr uint32_t kPeriodsPerSecond = 100;
constexpr uint32_t kBuffersPerSecond = 10;
/** When the periods cannot be short, they are a fourth of what the buffer can be. */
constexpr uint32_t kFewPeriods = 4;
constexpr std::array kBestFormats{SampleFormat::kS32Le, SampleFormat::kS24Le,
                                  SampleFormat::kS24_3Le, SampleFormat::kS16Le,
                                  SampleFormat::kFloatLe};

/** The parameters that are left, as they are narrowed. */
class Choice {
  public:
    Choice(snd_pcm_t* pcm, snd_pcm_hw_params_t* params, const AlsaSpec& spec)
        : pcm_{pcm}, params_{params}, spec_{spec} {}

    [[nodiscard]] bool CanAccess(AlsaAccess access) const;
    AlsaAccess ChooseAccess(bool is_hardware);
    SampleFormat ChooseFormat();
    void RequireGiven();
    uint32_t ChooseChannels();
    uint32_t ChooseRate();
    void ChooseSizes(uint32_t rate_hz);
    bool ChooseInterrupts(const AlsaSetup& setup);
    [[nodiscard]] uint32_t PeriodFrames() const;
    [[nodiscard]] uint32_t BufferFrames() const;

  private:
    [[noreturn]] void Refuse(const std::string& setting,
                             const std::string& possible) const;
    [[nodiscard]] bool CanFormat(SampleFormat format) const;
    [[nodiscard]] std::string Formats() const;
    [[nodiscard]] std::string Rates() const;
    [[nodiscard]] std::string Channels() const;
    [[nodiscard]] std::string Periods() const;
    [[nodiscard]] std::string Buffers() const;
    void RequireRate(uint32_t rate_hz);
    void RequireChannels(uint32_t channels);
    void RequirePeriod(uint32_t frames);
    void RequireBuffer(uint32_t frames);
    bool TrySizes(uint32_t period_frames, uint32_t buffer_frames, bool period_first);

    snd_pcm_t* pcm_;
    snd_pcm_hw_params_t* params_;
    const AlsaSpec& spec_;
};

snd_pcm_access_t AlsaValue(AlsaAccess access) {
    return access == AlsaAccess::kMmap ? SND_PCM_ACCESS_MMAP_INTERLEAVED
                                       : SND_PCM_ACCESS_RW_INTERLEAVED;
}

snd_pcm_format_t AlsaValue(SampleFormat format) {
    return snd_pcm_format_value(std::string{audio::FormatName(format)}.c_str());
}

template <typename Number>
std::string Range(Number least, Number most) {
    if (least == most) return std::to_string(least) + " is possible";
    return std::to_string(least) + " to " + std::to_string(most) + " are possible";
}

void Choice::Refuse(const std::string& setting, const std::string& possible) const {
    throw std::system_error{
        EINVAL, std::generic_category(),
        setting + " is not possible for " + spec_.pcm_name + ": " + possible};
}

bool Choice::CanAccess(AlsaAccess access) const {
    return snd_pcm_hw_params_test_access(pcm_, params_, AlsaValue(access)) == 0;
}

AlsaAccess Choice::ChooseAccess(bool is_hardware) {
    const bool can_map = CanAccess(AlsaAccess::kMmap);
    const bool can_write = CanAccess(AlsaAccess::kReadWrite);
    AlsaAccess access = can_map && (is_hardware || !can_write) ? AlsaAccess::kMmap
                                                               : AlsaAccess::kReadWrite;
    access = spec_.access.value_or(access);
    if (!CanAccess(access))
        Refuse(access == AlsaAccess::kMmap ? "access=mmap" : "access=rw",
               can_map     ? "mmap is"
               : can_write ? "rw is"
                           : "it has no interleaved access");
    snd_pcm_hw_params_set_access(pcm_, params_, AlsaValue(access));
    return access;
}

bool Choice::CanFormat(SampleFormat format) const {
    return snd_pcm_hw_params_test_format(pcm_, params_, AlsaValue(format)) == 0;
}

std::string Choice::Formats() const {
    std::string names;
    for (uint8_t number = 1; number <= audio::kFormatCount; ++number) {
        const auto format = audio::FindFormat(number);
        if (!format || !CanFormat(*format)) continue;
        names.append(names.empty() ? "" : ", ").append(audio::FormatName(*format));
    }
    return names.empty() ? "it has no linear format" : "it can do " + names;
}

SampleFormat Choice::ChooseFormat() {
    std::optional<SampleFormat> chosen = spec_.format;
    const auto consider = [&](SampleFormat format) {
        if (!chosen && CanFormat(format)) chosen = format;
    };
    std::ranges::for_each(kBestFormats, consider);
    for (uint8_t number = 1; number <= audio::kFormatCount; ++number)
        consider(*audio::FindFormat(number));
    if (!chosen) Refuse("format=auto", Formats());
    if (!CanFormat(*chosen))
        Refuse("format=" + std::string{audio::FormatName(*chosen)}, Formats());
    snd_pcm_hw_params_set_format(pcm_, params_, AlsaValue(*chosen));
    return *chosen;
}

std::string Choice::Rates() const {
    unsigned least = 0;
    unsigned most = 0;
    snd_pcm_hw_params_get_rate_min(params_, &least, nullptr);
    snd_pcm_hw_params_get_rate_max(params_, &most, nullptr);
    return Range(least, most);
}

std::string Choice::Channels() const {
    unsigned least = 0;
    unsigned most = 0;
    snd_pcm_hw_params_get_channels_min(params_, &least);
    snd_pcm_hw_params_get_channels_max(params_, &most);
    return Range(least, most);
}

std::string Choice::Periods() const {
    snd_pcm_uframes_t least = 0;
    snd_pcm_uframes_t most = 0;
    snd_pcm_hw_params_get_period_size_min(params_, &least, nullptr);
    snd_pcm_hw_params_get_period_size_max(params_, &most, nullptr);
    return Range(least, most);
}

std::string Choice::Buffers() const {
    snd_pcm_uframes_t least = 0;
    snd_pcm_uframes_t most = 0;
    snd_pcm_hw_params_get_buffer_size_min(params_, &least);
    snd_pcm_hw_params_get_buffer_size_max(params_, &most);
    return Range(least, most);
}

void Choice::RequireRate(uint32_t rate_hz) {
    const std::string possible = Rates();
    if (snd_pcm_hw_params_set_rate(pcm_, params_, rate_hz, 0) < 0)
        Refuse("rate=" + std::to_string(rate_hz), possible);
}

void Choice::RequireChannels(uint32_t channels) {
    const std::string possible = Channels();
    if (snd_pcm_hw_params_set_channels(pcm_, params_, channels) < 0)
        Refuse("channels=" + std::to_string(channels), possible);
}

void Choice::RequirePeriod(uint32_t frames) {
    const std::string possible = Periods();
    if (snd_pcm_hw_params_set_period_size(pcm_, params_, frames, 0) < 0)
        Refuse("period=" + std::to_string(frames), possible);
}

void Choice::RequireBuffer(uint32_t frames) {
    const std::string possible = Buffers();
    if (snd_pcm_hw_params_set_buffer_size(pcm_, params_, frames) < 0)
        Refuse("buffer=" + std::to_string(frames), possible);
}

/** Before anything is chosen, so that what is chosen goes with it. */
void Choice::RequireGiven() {
    if (spec_.channels) RequireChannels(*spec_.channels);
    if (spec_.rate_hz) RequireRate(*spec_.rate_hz);
}

uint32_t Choice::ChooseChannels() {
    const std::string possible = Channels();
    const auto can = [&](unsigned channels) {
        return snd_pcm_hw_params_test_channels(pcm_, params_, channels) == 0;
    };
    unsigned channels = spec_.channels.value_or(kWantedChannels);
    while (channels <= wire::kMaxChannels && !can(channels))
        ++channels;
    if (channels > wire::kMaxChannels) channels = 1;
    if (snd_pcm_hw_params_set_channels(pcm_, params_, channels) < 0)
        Refuse("channels=auto", possible);
    return channels;
}

uint32_t Choice::ChooseRate() {
    const std::string possible = Rates();
    unsigned rate_hz = spec_.rate_hz.value_or(kWantedRateHz);
    if (snd_pcm_hw_params_set_rate_near(pcm_, params_, &rate_hz, nullptr) < 0 ||
        rate_hz < wire::kMinRateHz || rate_hz > wire::kMaxRateHz)
        Refuse("rate=auto", possible);
    return rate_hz;
}

uint32_t Choice::PeriodFrames() const {
    snd_pcm_uframes_t frames = 0;
    snd_pcm_hw_params_get_period_size(params_, &frames, nullptr);
    return static_cast<uint32_t>(frames);
}

uint32_t Choice::BufferFrames() const {
    snd_pcm_uframes_t frames = 0;
    snd_pcm_hw_params_get_buffer_size(params_, &frames);
    return static_cast<uint32_t>(frames);
}

/** @return whether that gives enough periods; else nothing has changed */
bool Choice::TrySizes(uint32_t period_frames, uint32_t buffer_frames, bool period_first) {
    snd_pcm_hw_params_t* before = nullptr;
    snd_pcm_hw_params_alloca(&before);
    snd_pcm_hw_params_copy(before, params_);
    const auto set_period = [&] {
        snd_pcm_uframes_t frames = period_frames;
        return snd_pcm_hw_params_set_period_size_near(pcm_, params_, &frames, nullptr) >=
               0;
    };
    const auto set_buffer = [&] {
        snd_pcm_uframes_t frames = buffer_frames;
        return snd_pcm_hw_params_set_buffer_size_near(pcm_, params_, &frames) >= 0;
    };
    const bool done =
        period_first ? set_period() && set_buffer() : set_buffer() && set_period();
    if (done && PeriodFrames() >= kLeastPeriodFrames &&
        BufferFrames() >= kLeastPeriods * PeriodFrames())
        return true;
    snd_pcm_hw_params_copy(params_, before);
    return false;
}

void Choice::ChooseSizes(uint32_t rate_hz) {
    if (spec_.period_frames) RequirePeriod(*spec_.period_frames);
    if (spec_.buffer_frames) RequireBuffer(*spec_.buffer_frames);
    // Whole periods, if the card agrees: some pointers are wrong otherwise.
    snd_pcm_hw_params_set_periods_integer(pcm_, params_);
    const uint32_t period = spec_.period_frames.value_or(
        std::max(rate_hz / kPeriodsPerSecond, kLeastPeriodFrames));
    const uint32_t buffer = spec_.buffer_frames.value_or(
        std::max(rate_hz / kBuffersPerSecond, kFewPeriods * period));
    if (TrySizes(period, buffer, true) || TrySizes(buffer / kFewPeriods, buffer, false))
        return;
    Refuse("period=" + std::to_string(period) + ",buffer=" + std::to_string(buffer),
           "periods of " + Periods() + " in buffers of " + Buffers() +
               ", and a buffer needs " + std::to_string(kLeastPeriods) + " periods");
}

/** A device paced by a timer needs no interrupts if its pointer is exact when asked. */
bool Choice::ChooseInterrupts(const AlsaSetup& setup) {
    const bool can_do_without =
        !setup.IsCoarse() && snd_pcm_hw_params_can_disable_period_wakeup(params_) != 0;
    const bool has_interrupts = spec_.interrupts.value_or(!can_do_without);
    if (!has_interrupts && !can_do_without)
        Refuse("interrupts=off", !setup.is_hardware ? "it is no card's own PCM"
                                 : setup.is_batch   ? "its pointer moves with them"
                                                    : "its driver needs them");
    snd_pcm_hw_params_set_period_wakeup(pcm_, params_, has_interrupts ? 1 : 0);
    return has_interrupts;
}

}  // namespace

void ChooseAlsaParams(snd_pcm_t* pcm, snd_pcm_hw_params_t* params, const AlsaSpec& spec,
                      AlsaSetup& setup) {
    Choice choice{pcm, params, spec};
    setup.access = choice.ChooseAccess(setup.is_hardware);
    choice.RequireGiven();
    setup.format.sample = choice.ChooseFormat();
    setup.format.channels = choice.ChooseChannels();
    setup.format.rate_hz = choice.ChooseRate();
    choice.ChooseSizes(setup.format.rate_hz);
    setup.period_frames = choice.PeriodFrames();
    setup.buffer_frames = choice.BufferFrames();
    setup.is_batch = snd_pcm_hw_params_is_batch(params) != 0;
    setup.has_interrupts = choice.ChooseInterrupts(setup);
}

}  // namespace shmd::device
