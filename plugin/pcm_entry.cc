// The PCM's two exported symbols, as SND_PCM_PLUGIN_DEFINE_FUNC makes them.

#include "plugin/guarded.h"
#include "plugin/pcm_options.h"
#include "plugin/pcm_stream.h"

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <memory>
#include <string>
#include <system_error>

namespace {

using shmd::plugin::PcmOptions;
using shmd::plugin::PcmStream;

/** A fallback that leads back here would open itself for ever. */
thread_local bool g_opening_fallback = false;

int OpenFallback(snd_pcm_t** pcm, const PcmOptions& options, snd_config_t* root,
                 snd_pcm_stream_t stream, int mode) {
    g_opening_fallback = true;
    const int error =
        snd_pcm_open_lconf(pcm, options.fallback.c_str(), stream, mode, root);
    g_opening_fallback = false;
    return error;
}

/** alsa-lib's message about the fallback does not say why the fallback was opened. */
void TellBothFailed(const std::system_error& error, const std::string& fallback,
                    int result) {
    const std::string words = std::string{error.what()} + "; and the fallback " +
                              fallback + " cannot be opened: " + snd_strerror(result);
    shmd::plugin::Tell(words.c_str());
}

int Open(snd_pcm_t** pcm, const char* name, snd_config_t* root, snd_config_t* config,
         snd_pcm_stream_t stream, int mode) {
    PcmOptions options;
    if (const int error = shmd::plugin::ReadPcmOptions(config, options); error < 0)
        return error;
    std::unique_ptr<PcmStream> opened;
    try {
        opened = std::make_unique<PcmStream>(options, stream);
    } catch (const std::system_error& error) {
        if (!options.fallback.empty() && !g_opening_fallback) {
            const int result = OpenFallback(pcm, options, root, stream, mode);
            if (result < 0) TellBothFailed(error, options.fallback, result);
            return result;
        }
        shmd::plugin::Tell(error.what());
        throw;
    }
    return opened.release()->CreatePcm(name, mode, pcm);
}

}  // namespace

#pragma GCC visibility push(default)
extern "C" {

SND_PCM_PLUGIN_DEFINE_FUNC(shmd) {
    return shmd::plugin::Guarded(
        [=] { return Open(pcmp, name, root, conf, stream, mode); });
}
SND_PCM_PLUGIN_SYMBOL(shmd)

}  // extern "C"
#pragma GCC visibility pop
