#pragma once

#include "audio/format.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <sndfile.h>

namespace shmd::device {

/** What libsndfile says about a sound file and, for samples of whole numbers, what it
 * holds. */
struct SoundFile {
    SF_INFO info{};
    /** Every byte of the samples as it lies in the file. */
    std::vector<std::byte> raw;
};

/** @throw std::runtime_error when libsndfile does not read it */
SoundFile LoadSoundFile(const std::string& path);

/** All samples of the file as `Sample` (int, float or double), as libsndfile reads them.
 */
template <typename Sample>
std::vector<Sample> LoadSamples(const std::string& path);

/** Write `samples`, interleaved, to a new file; `sndfile_format` is container and
 * subtype. */
void StoreSamples(const std::string& path, int sndfile_format, uint32_t rate_hz,
                  uint32_t channels, std::span<const int> samples);
void StoreSamples(const std::string& path, int sndfile_format, uint32_t rate_hz,
                  uint32_t channels, std::span<const double> samples);

/** `count` bytes without a pattern that repeats; the same for the same `seed`. */
std::vector<std::byte> Noise(size_t count, uint32_t seed);

}  // namespace shmd::device
