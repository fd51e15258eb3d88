#pragma once

#include "tests/unit/device/temp_dir.h"

#include <cstdlib>
#include <fstream>
#include <string>

#include <alsa/asoundlib.h>

namespace shmd::device {

/** alsa-lib's stock configuration and some PCMs of a test's own, while it lives. */
class AlsaConfig {
  public:
    /** @param pcms  in the syntax of asound.conf */
    explicit AlsaConfig(const std::string& pcms) {
        const std::string path = dir_.File("alsa.conf");
        std::ofstream{path} << "<" << snd_config_topdir() << "/alsa.conf>\n" << pcms;
        ::setenv("ALSA_CONFIG_PATH", path.c_str(), 1);
        snd_config_update_free_global();
    }
    AlsaConfig(const AlsaConfig&) = delete;
    AlsaConfig& operator=(const AlsaConfig&) = delete;
    ~AlsaConfig() {
        ::unsetenv("ALSA_CONFIG_PATH");
        snd_config_update_free_global();
    }

  private:
    TempDir dir_;
};

}  // namespace shmd::device
