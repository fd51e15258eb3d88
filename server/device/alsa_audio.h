#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include <alsa/asoundlib.h>

namespace shmd::device {

/** Errors in a row that a PCM may give before it counts as gone. At one a cycle that is
 * the time in which a card wakes from the machine's sleep. */
inline constexpr uint32_t kMostErrors = 64;

/** Whether `error` (a negative errno) means that the card is gone. Thread: audio.
 * Realtime: yes. */
bool IsFatal(snd_pcm_t* pcm, int error) noexcept;

/**
 * Frames that can be written or read, or a negative errno.
 *
 * A plugin (alsa-lib 1.2.8: every ioplug) gives a number in states in which nothing moves
 * any more, too: here that is the error which a card's driver gives.
 * Thread: audio. Realtime: yes.
 */
snd_pcm_sframes_t AvailOf(snd_pcm_t* pcm) noexcept;

/**
 * Wake a PCM that was suspended with the machine.
 * @return whether it runs on, or will soon; false: it must be prepared.
 * Thread: audio. Realtime: yes.
 */
bool IsResumed(snd_pcm_t* pcm) noexcept;

/**
 * The ring's next frames, in one piece: at most `frames`, fewer where the ring ends.
 * @param offset  is set to what snd_pcm_mmap_commit wants to know
 * Thread: audio. Realtime: yes.
 */
std::span<std::byte> RingAt(snd_pcm_t* pcm, snd_pcm_uframes_t& offset,
                            snd_pcm_uframes_t frames) noexcept;

/** Copy frames into the ring up to its end, and commit them. @return how many, or an
 * error. Thread: audio. Realtime: yes. */
snd_pcm_sframes_t CopyIntoRing(snd_pcm_t* pcm, const std::byte* from,
                               snd_pcm_uframes_t frames, uint32_t frame_bytes) noexcept;

}  // namespace shmd::device
