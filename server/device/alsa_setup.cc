#include "device/alsa_setup.h"

#include "device/alsa_choice.h"
#include "device/alsa_messages.h"

#include <cstring>
#include <system_error>
#include <vector>

namespace shmd::device {

namespace {

[[noreturn]] void Fail(int error, const std::string& what, const AlsaMessages& said) {
    throw std::system_error{-error, std::generic_category(), said.Append(what)};
}

/** @param error  what an snd_ function returned */
void Require(int error, const char* call, const AlsaSpec& spec,
             const AlsaMessages& said) {
    if (error < 0) Fail(error, spec.pcm_name + ": " + call, said);
}

UniquePcm Open(const AlsaSpec& spec, snd_pcm_stream_t direction,
               const AlsaMessages& said) {
    snd_pcm_t* pcm = nullptr;
    Require(
        snd_pcm_open(&pcm, spec.pcm_name.c_str(), direction, SND_PCM_NONBLOCK),
        direction == SND_PCM_STREAM_PLAYBACK ? "open for playback" : "open for capture",
        spec, said);
    return UniquePcm{pcm};
}

void FindIdentity(snd_pcm_t* pcm, AlsaSetup& setup) {
    setup.is_hardware = snd_pcm_type(pcm) == SND_PCM_TYPE_HW;
    snd_pcm_info_t* info = nullptr;
    snd_pcm_info_alloca(&info);
    if (snd_pcm_info(pcm, info) < 0) return;
    setup.card = snd_pcm_info_get_card(info);
    if (setup.card < 0) return;
    setup.device = snd_pcm_info_get_device(info);
    setup.subdevice = snd_pcm_info_get_subdevice(info);
}

/** Never stop; hardware also clears what was played. A plugin stops by itself when it has
 * nothing more, which is how its last frames are heard (AlsaPlayback). */
int SetSoftware(snd_pcm_t* pcm, const AlsaSetup& setup) {
    snd_pcm_sw_params_t* params = nullptr;
    snd_pcm_sw_params_alloca(&params);
    if (const int error = snd_pcm_sw_params_current(pcm, params); error < 0) return error;
    snd_pcm_uframes_t boundary = 0;
    snd_pcm_sw_params_get_boundary(params, &boundary);
    snd_pcm_sw_params_set_start_threshold(pcm, params, boundary);
    snd_pcm_sw_params_set_avail_min(pcm, params, setup.buffer_frames);
    snd_pcm_sw_params_set_tstamp_mode(pcm, params, SND_PCM_TSTAMP_ENABLE);
    snd_pcm_sw_params_set_tstamp_type(pcm, params, SND_PCM_TSTAMP_TYPE_MONOTONIC);
    snd_pcm_sw_params_set_period_event(pcm, params, 0);
    if (setup.is_hardware) {
        snd_pcm_sw_params_set_stop_threshold(pcm, params, boundary);
        snd_pcm_sw_params_set_silence_threshold(pcm, params, 0);
        snd_pcm_sw_params_set_silence_size(pcm, params, boundary);
    }
    return snd_pcm_sw_params(pcm, params);
}

/**
 * Whether what it is given is gone at once. It is tried with a little silence, which is
 * taken back.
 */
bool TryWhetherClockless(snd_pcm_t* pcm, snd_pcm_stream_t direction,
                         const AlsaSetup& setup) {
    if (setup.card >= 0 || snd_pcm_type(pcm) == SND_PCM_TYPE_IOPLUG) return false;
    snd_pcm_sframes_t written = 0;
    if (direction == SND_PCM_STREAM_PLAYBACK) {
        std::vector<std::byte> silence(size_t{setup.period_frames} *
                                       setup.format.FrameBytes());
        audio::FillSilence(setup.format.sample, silence);
        const auto write =
            setup.access == AlsaAccess::kMmap ? snd_pcm_mmap_writei : snd_pcm_writei;
        written = write(pcm, silence.data(), setup.period_frames);
    }
    const bool is_clockless =
        written >= 0 && snd_pcm_start(pcm) >= 0 &&
        snd_pcm_avail(pcm) >= snd_pcm_sframes_t{setup.buffer_frames};
    if (written > 0) snd_pcm_rewind(pcm, static_cast<snd_pcm_uframes_t>(written));
    snd_pcm_drop(pcm);
    return is_clockless;
}

}  // namespace

UniquePcm OpenAlsaPcm(const AlsaSpec& spec, snd_pcm_stream_t direction,
                      AlsaSetup& setup) {
    const AlsaMessages said;
    UniquePcm pcm = Open(spec, direction, said);
    setup = {};
    FindIdentity(pcm.get(), setup);
    snd_pcm_hw_params_t* params = nullptr;
    snd_pcm_hw_params_alloca(&params);
    Require(snd_pcm_hw_params_any(pcm.get(), params), "no configuration", spec, said);
    ChooseAlsaParams(pcm.get(), params, spec, setup);
    Require(snd_pcm_hw_params(pcm.get(), params), "hw_params", spec, said);
    Require(SetSoftware(pcm.get(), setup), "sw_params", spec, said);
    setup.is_clockless = TryWhetherClockless(pcm.get(), direction, setup);
    Require(snd_pcm_prepare(pcm.get()), "prepare", spec, said);
    return pcm;
}

std::string Describe(const AlsaSpec& spec, const AlsaSetup& setup) {
    std::string text = spec.pcm_name;
    text += setup.access == AlsaAccess::kMmap ? " mmap " : " rw ";
    text += audio::FormatName(setup.format.sample);
    text += ", " + std::to_string(setup.format.rate_hz) + " Hz, ";
    text += std::to_string(setup.format.channels) + " channels, period ";
    text += std::to_string(setup.period_frames) + ", buffer ";
    text += std::to_string(setup.buffer_frames);
    if (!setup.has_interrupts) text += ", no interrupts";
    if (setup.is_clockless) text += ", paced by a timer";
    return text;
}

}  // namespace shmd::device
