#pragma once

#include "tests/support/card_double/panel.h"
#include "tests/unit/device/alsa_config.h"
#include "tests/unit/device/temp_dir.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace shmd::device {

/**
 * The PCM "card", which fails when it is told to (tests/support/card_double), while this
 * lives.
 */
class CardDouble {
  public:
    struct Options {
        uint32_t rate_hz = 48000;
        uint32_t channels = 2;
        std::string format = "S16_LE";
    };

    /** By the system's clock, until SetTime. Errors: std::system_error. */
    explicit CardDouble(const Options& options);
    CardDouble(const CardDouble&) = delete;
    CardDouble& operator=(const CardDouble&) = delete;
    ~CardDouble();

    testing::Panel& Panel() noexcept { return *panel_; }

    /** Calls of the kinds (PanelCall) fail in this way, from now on: `count` calls after
     * the next `after`. */
    void Fail(int error, uint64_t kinds, uint64_t after = 0, uint64_t count = 1);

    /** Put the card where it is at `time_ns`; it stays there. */
    void SetTime(int64_t time_ns);

    /** What was heard by now. */
    [[nodiscard]] std::vector<std::byte> Heard() const;

  private:
    TempDir dir_;
    AlsaConfig config_;
    uint32_t rate_hz_;
    testing::Panel* panel_;
};

}  // namespace shmd::device
