#pragma once

#include <cstddef>
#include <cstdint>

/** Every maximum of the protocol, one line each, with its reason. Both sides hold to
 * them. */
namespace shmd::wire {

inline constexpr uint32_t kProtocolVersion = 1;

// --- messages
// --------------------------------------------------------------------------- A message
// with its header. A page and a half of stereo S16: the socket transport's unit, small
// enough that 64 receive buffers are half a megabyte.
inline constexpr size_t kMaxMessageBytes = 8192;
// A pool. Far below the kernel's SCM_MAX_FD (253).
inline constexpr size_t kMaxMessageFds = 1;
// Answers that a client may leave unread before it is dropped.
inline constexpr size_t kMaxQueuedBytes = 256 * 1024;
// Names are NUL-terminated within these, so that messages have one size.
inline constexpr size_t kMaxNameBytes = 64;
inline constexpr size_t kMaxReasonBytes = 128;

// --- pools
// ------------------------------------------------------------------------------ The
// stream block: one page, so that the ring behind it starts on one.
inline constexpr uint64_t kBlockBytes = 4096;
// The longest ring: 0.5 s of 8 channels at 192 kHz in 32 bits, and some more. A client
// maps only the part that its buffer needs.
inline constexpr uint64_t kRingBytes = 4 * 1024 * 1024;
inline constexpr uint64_t kPoolBytes = kBlockBytes + kRingBytes;
// What a server holds of a stream on the socket transport, in that stream's buffers. Its
// client knows only an old limit, and its clock goes on while the server is late: it may
// be a buffer ahead of what it knows.
inline constexpr uint32_t kSocketRingBuffers = 2;
// One from each side for a connection; a second registration is refused.
inline constexpr uint32_t kClientPoolId = 1;
inline constexpr uint32_t kServerPoolId = 2;

// --- streams
// ----------------------------------------------------------------------------
inline constexpr uint32_t kMinRateHz = 4000;
inline constexpr uint32_t kMaxRateHz = 384000;
inline constexpr uint32_t kMaxChannels = 32;  // the channel map's length in SetParams
// 16 frames of stereo S16: alsa-lib lets a plugin bound the bytes of a period, not
// frames.
inline constexpr uint32_t kMinPeriodBytes = 64;
inline constexpr uint32_t kMinPeriods = 2;
inline constexpr uint32_t kMaxPeriods = 1024;  // ffmpeg takes the most that it is offered
inline constexpr uint32_t kMaxGainMilli = 4000;  // + 12 dB
// Frame counts start far below this and grow by 384,000 a second: 380,000 years.
inline constexpr uint64_t kMaxFrameCount = uint64_t{1} << 62;

}  // namespace shmd::wire
