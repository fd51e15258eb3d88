#include "device/alsa_cards.h"

#include <alsa/asoundlib.h>
#include <memory>

namespace shmd::device {

namespace {

struct CloseControl {
    void operator()(snd_ctl_t* control) const noexcept { snd_ctl_close(control); }
};
using Control = std::unique_ptr<snd_ctl_t, CloseControl>;

Control OpenControl(int card) {
    snd_ctl_t* control = nullptr;
    const std::string name = "hw:" + std::to_string(card);
    if (snd_ctl_open(&control, name.c_str(), SND_CTL_READONLY) < 0) return nullptr;
    return Control{control};
}

bool HasDirection(snd_ctl_t* control, int device, bool is_capture) {
    snd_pcm_info_t* info = nullptr;
    snd_pcm_info_alloca(&info);
    snd_pcm_info_set_device(info, static_cast<unsigned>(device));
    snd_pcm_info_set_stream(
        info, is_capture ? SND_PCM_STREAM_CAPTURE : SND_PCM_STREAM_PLAYBACK);
    return snd_ctl_pcm_info(control, info) == 0;
}

void AddDevices(int card, bool is_capture, std::vector<std::string>& names) {
    const Control control = OpenControl(card);
    snd_ctl_card_info_t* info = nullptr;
    snd_ctl_card_info_alloca(&info);
    if (!control || snd_ctl_card_info(control.get(), info) < 0) return;
    const std::string prefix =
        std::string{"hw:CARD="} + snd_ctl_card_info_get_id(info) + ",DEV=";
    for (int device = -1;
         snd_ctl_pcm_next_device(control.get(), &device) == 0 && device >= 0;)
        if (HasDirection(control.get(), device, is_capture))
            names.push_back(prefix + std::to_string(device));
}

}  // namespace

std::vector<std::string> FindCards(bool is_capture) {
    std::vector<std::string> names;
    for (int card = -1; snd_card_next(&card) == 0 && card >= 0;)
        AddDevices(card, is_capture, names);
    return names;
}

}  // namespace shmd::device
