// The keys of a PCM of type shmd in asound.conf.

#include "fuzz/checks.h"
#include "fuzz/input.h"
#include "fuzz/target.h"
#include "plugin/pcm_options.h"

#include <cerrno>
#include <memory>

namespace shmd::fuzz {

namespace {

struct Free {
    void operator()(snd_config_t* config) const { snd_config_delete(config); }
    void operator()(snd_input_t* input) const { snd_input_close(input); }
};

void SaysNothing(const char* /*file*/, int /*line*/, const char* /*function*/,
                 int /*error*/, const char* /*format*/, ...) {}

std::unique_ptr<snd_config_t, Free> FindConfig(std::string_view text) {
    snd_config_t* top = nullptr;
    snd_input_t* input = nullptr;
    Require(snd_config_top(&top) >= 0, "there is memory");
    std::unique_ptr<snd_config_t, Free> config{top};
    Require(snd_input_buffer_open(&input, text.data(),
                                  static_cast<ssize_t>(text.size())) >= 0,
            "there is memory");
    const std::unique_ptr<snd_input_t, Free> owner{input};
    if (snd_config_load(top, input) < 0) return {};
    return config;
}

int Run(Input input) {
    static const bool is_quiet = snd_lib_error_set_handler(SaysNothing) >= 0;
    Require(is_quiet, "alsa-lib takes an error handler");
    const std::string_view text = input.TakeText();
    // "<NAME>" includes a file of this machine.
    if (text.find('<') != std::string_view::npos) return -1;
    const auto config = FindConfig(text);
    if (!config) return 0;
    plugin::PcmOptions options;
    const int error = plugin::ReadPcmOptions(config.get(), options);
    Require(error == 0 || error == -EINVAL, "the answer is 0 or -EINVAL");
    if (error != 0) return 0;
    Require(plugin::FindDirect(options.direct).has_value(), "direct is one of its words");
    Require(options.reconnect_timeout_s >= 1 && options.reconnect_timeout_s <= 86400,
            "the timeout is in its range");
    Require(options.buffer_max_ms >= 100 && options.buffer_max_ms <= 600000,
            "the longest buffer is in its range");
    Require(options.channels_max <= 32, "the most channels are in their range");
    return 0;
}

}  // namespace

}  // namespace shmd::fuzz

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    return shmd::fuzz::Run({data, size});
}
