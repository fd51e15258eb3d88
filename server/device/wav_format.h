#pragma once

#include "audio/format.h"

#include <cstddef>
#include <cstdint>
#include <span>

namespace shmd::device {

/**
 * How WAV holds each of our sample formats without losing a bit.
 *
 *     ours                      WAV (always little endian)
 *     U8, S8                    U8 (WAV has no signed 8 bits: the top bit is turned)
 *     S16_LE, S16_BE            S16
 *     S24_LE, S24_BE            S24 in 3 bytes (the fourth carries nothing)
 *     S24_3LE, S24_3BE          S24 in 3 bytes
 *     S32_LE, S32_BE            S32
 *     FLOAT_LE, FLOAT_BE        float
 *     FLOAT64_LE, FLOAT64_BE    double
 */

/** libsndfile's subtype, SF_FORMAT_PCM_16 and the like. Thread: any. Realtime: yes. */
int WavSubtype(audio::SampleFormat format) noexcept;

/** Bytes that a sample of `format` takes in a WAV file. Thread: any. Realtime: yes. */
uint32_t WavSampleBytes(audio::SampleFormat format) noexcept;

/** Whether the bytes are the same in memory and in the file. Thread: any. Realtime: yes.
 */
bool IsWavLayout(audio::SampleFormat format) noexcept;

/**
 * Turn whole samples of `format` into what a WAV file holds.
 *
 * @param samples  n * SampleBytes(format) bytes
 * @param wav      n * WavSampleBytes(format) bytes, not aliasing `samples`
 *
 * Thread: any.  Realtime: yes.  Errors: none.
 */
void ConvertToWav(audio::SampleFormat format, std::span<const std::byte> samples,
                  std::span<std::byte> wav) noexcept;

/**
 * Our format for the samples of a sound file that libsndfile has opened: the linear ones
 * as they are, in little endian; what is compressed as float, since that has no own
 * format.
 *
 * @param sndfile_format  SF_INFO::format
 *
 * Thread: any.  Realtime: yes.
 */
audio::SampleFormat FormatOfSoundFile(int sndfile_format) noexcept;

}  // namespace shmd::device
