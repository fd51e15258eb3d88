#pragma once

#include "wire/limits.h"

#include <cstdint>

/**
 * The messages of doc/protocol.md, in the host's byte order (both ends are on one
 * machine), with every field at the same offset for 32-bit and 64-bit programs.
 * `reserved` fields are zero; a message in which one is not is malformed.
 */
namespace shmd::wire {

enum class MessageType : uint16_t {
    kHello = 1,            // both ways, the first message of each side
    kRegisterPool = 2,     // both ways: a pool, with its descriptor
    kPoolRegistered = 3,   // server: the client's pool is mapped
    kPoolRefused = 4,      // server: it cannot be; the payload goes over the socket
    kOpenStream = 5,       // client: name the device and the direction
    kStreamOpened = 6,     // server
    kSetParams = 7,        // client: format, rate, channels, period, buffer
    kParamsSet = 8,        // server
    kFreeParams = 9,       // client
    kParamsFreed = 10,     // server
    kSetGain = 11,         // client
    kGainSet = 12,         // server
    kRefused = 13,         // server: a request was understood and not granted
    kData = 14,            // both ways, socket transport: frames
    kClientWords = 15,     // client, socket transport: what the client's block would say
    kServerWords = 16,     // server, socket transport: what the server's block would say
    kKick = 17,            // client: the command word is new
    kWake = 18,            // server, memfd transport: ServerBlock::woken is new
    kDirectGrant = 19,     // server: the card's own ring, with its descriptor
    kDirectRecall = 20,    // server: give it back
    kDirectReturned = 21,  // client: it is unmapped and closed
};

/** Capabilities, in Hello::flags. What both sides set is used; unknown bits are ignored.
 */
inline constexpr uint32_t kCapabilityMemfd = 1u << 0;

enum class Direction : uint8_t { kPlayback = 0, kCapture = 1 };
enum class Transport : uint8_t { kMemfd = 1, kSocket = 2 };
/** Whether a client wants to write into the card's own ring, where that is possible. */
enum class Direct : uint8_t { kNever = 0, kAuto = 1, kRequire = 2 };

struct MessageHeader {
    uint16_t type;
    uint16_t fd_count;    // descriptors that come with this message
    uint32_t size_bytes;  // of the whole message, this header included
    uint32_t serial;      // chosen by the asker; an answer repeats it
    uint32_t reserved;
};
static_assert(sizeof(MessageHeader) == 16);

struct Hello {
    static constexpr auto kType = MessageType::kHello;
    MessageHeader header;
    uint32_t version;
    uint32_t flags;
    char name[kMaxNameBytes];  // of the program, for the other side's log
};
static_assert(sizeof(Hello) == 88);

struct RegisterPool {
    static constexpr auto kType = MessageType::kRegisterPool;
    MessageHeader header;
    uint32_t pool_id;
    uint32_t reserved;
    uint64_t size_bytes;
};
static_assert(sizeof(RegisterPool) == 32);

struct PoolRegistered {
    static constexpr auto kType = MessageType::kPoolRegistered;
    MessageHeader header;
    uint32_t pool_id;
    uint32_t reserved;
};
static_assert(sizeof(PoolRegistered) == 24);

struct PoolRefused {
    static constexpr auto kType = MessageType::kPoolRefused;
    MessageHeader header;
    uint32_t pool_id;
    int32_t error;  // an errno
};
static_assert(sizeof(PoolRefused) == 24);

struct OpenStream {
    static constexpr auto kType = MessageType::kOpenStream;
    MessageHeader header;
    uint8_t direction;
    uint8_t reserved[7];
    char device[kMaxNameBytes];  // "" is the default device, "monitor" its monitor
};
static_assert(sizeof(OpenStream) == 88);

struct StreamOpened {
    static constexpr auto kType = MessageType::kStreamOpened;
    MessageHeader header;
    uint32_t stream_id;
    uint32_t device_rate_hz;
    uint8_t device_format;  // audio::SampleFormat
    uint8_t device_channels;
    uint8_t reserved[6];
};
static_assert(sizeof(StreamOpened) == 32);

struct SetParams {
    static constexpr auto kType = MessageType::kSetParams;
    MessageHeader header;
    uint8_t format;  // audio::SampleFormat
    uint8_t channels;
    uint8_t transport;
    uint8_t direct;
    uint32_t rate_hz;
    uint32_t period_frames;
    uint32_t buffer_frames;
    uint64_t ring_offset;  // in the client's pool; 0 for capture and for the socket
    uint64_t ring_bytes;   // buffer_frames frames; 0 likewise
    uint8_t channel_map[kMaxChannels];  // ALSA's SND_CHMAP_ numbers; 0s: the usual layout
};
static_assert(sizeof(SetParams) == 80);

struct ParamsSet {
    static constexpr auto kType = MessageType::kParamsSet;
    MessageHeader header;
    uint16_t generation;  // goes into every command word until the next SetParams
    uint16_t reserved[3];
    uint64_t ring_offset;  // of a capture ring, in the server's pool; otherwise 0
    uint64_t ring_bytes;
};
static_assert(sizeof(ParamsSet) == 40);

struct FreeParams {
    static constexpr auto kType = MessageType::kFreeParams;
    MessageHeader header;
};
struct ParamsFreed {
    static constexpr auto kType = MessageType::kParamsFreed;
    MessageHeader header;
};
static_assert(sizeof(FreeParams) == 16 && sizeof(ParamsFreed) == 16);

struct SetGain {
    static constexpr auto kType = MessageType::kSetGain;
    MessageHeader header;
    uint32_t gain_milli;  // 1000 is unity
    uint32_t reserved;
};
struct GainSet {
    static constexpr auto kType = MessageType::kGainSet;
    MessageHeader header;
};
static_assert(sizeof(SetGain) == 24 && sizeof(GainSet) == 16);

struct Refused {
    static constexpr auto kType = MessageType::kRefused;
    MessageHeader header;
    uint16_t request;  // the type that was refused
    uint16_t reserved;
    int32_t error;  // an errno
    char reason[kMaxReasonBytes];
};
static_assert(sizeof(Refused) == 152);

/** Followed by `frames` frames. They take the places from `position` on in the ring. */
struct Data {
    static constexpr auto kType = MessageType::kData;
    MessageHeader header;
    uint64_t position_frames;
    uint32_t frames;
    uint32_t reserved;
};
static_assert(sizeof(Data) == 32);

struct ClientWords {
    static constexpr auto kType = MessageType::kClientWords;
    MessageHeader header;
    uint64_t written_frames;
    uint64_t command;
    uint64_t start_frames;
    uint64_t armed;
    uint64_t avail_min_frames;
    uint64_t stop_threshold_frames;
};
static_assert(sizeof(ClientWords) == 64);

struct ServerWords {
    static constexpr auto kType = MessageType::kServerWords;
    MessageHeader header;
    uint64_t acted;
    uint64_t state;
    uint64_t position_frames;
    int64_t position_ns;
    uint64_t limit_frames;
    uint64_t delay_frames;
    uint64_t xruns;
    uint64_t woken;
};
static_assert(sizeof(ServerWords) == 80);

struct Kick {
    static constexpr auto kType = MessageType::kKick;
    MessageHeader header;
};
struct Wake {
    static constexpr auto kType = MessageType::kWake;
    MessageHeader header;
};
static_assert(sizeof(Kick) == 16 && sizeof(Wake) == 16);

/** The descriptor can be mapped from 0 on: ring_frames frames of the stream's format. */
struct DirectGrant {
    static constexpr auto kType = MessageType::kDirectGrant;
    MessageHeader header;
    uint32_t grant;  // its number on this connection
    uint32_t ring_frames;
};
struct DirectRecall {
    static constexpr auto kType = MessageType::kDirectRecall;
    MessageHeader header;
    uint32_t grant;
    uint32_t reserved;
};
struct DirectReturned {
    static constexpr auto kType = MessageType::kDirectReturned;
    MessageHeader header;
    uint32_t grant;
    uint32_t reserved;
};
static_assert(sizeof(DirectGrant) == 24 && sizeof(DirectRecall) == 24 &&
              sizeof(DirectReturned) == 24);

}  // namespace shmd::wire
