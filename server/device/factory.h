#pragma once

#include "device/device.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace shmd::device {

enum class Direction { kPlayback, kCapture };

/** Whether `spec` describes one device of both directions that always works: "virtual".
 */
bool IsVirtual(std::string_view spec) noexcept;

/**
 * Check the text alone, and that alsa-lib's configuration knows a PCM of that name;
 * whether the card is there is not asked.  Thread: loop.
 * Errors: std::invalid_argument, one sentence that names the key and what is allowed.
 */
void CheckSpec(std::string_view spec);

/**
 * The devices that `spec` stands for at present, best first: itself, or for
 * "auto[,key=value]…" the cards that have `direction`, with those keys.
 * Thread: loop.  @pre CheckSpec
 */
std::vector<std::string> Candidates(const std::string& spec, Direction direction);

/**
 * Build the device that `spec` describes (see ParseDeviceSpec and ParseAlsaSpec); it is
 * open and not started. A virtual device has both directions, whichever is asked for.
 *
 * Thread: loop.  Realtime: no.
 * Errors: std::invalid_argument for the text, std::system_error and std::runtime_error
 * for the card, and for the files that it names.
 */
std::unique_ptr<Device> MakeDevice(std::string_view spec,
                                   Direction direction = Direction::kPlayback);

}  // namespace shmd::device
