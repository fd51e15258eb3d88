#pragma once

#include "audio/channel_map.h"
#include "audio/format.h"
#include "render/counters.h"
#include "wire/stream_block.h"

#include <sys/types.h>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace shmd::render {

/**
 * How the audio thread asks the loop to wake a stream's client. It does not send the wake
 * itself: a send wakes everything that waits on the client's end, and a client can make
 * that take long.
 */
struct Mailbox {
    std::atomic<bool> wake{false};
};

/** A stream as the loop hands it to the audio side: everything checked but the words. */
struct StreamSetup {
    uint64_t stream_id = 0;
    uid_t uid = 0;  // of its client
    audio::StreamFormat format;
    audio::ChannelMap channel_map;
    uint32_t period_frames = 0;
    uint32_t buffer_frames = 0;
    uint16_t generation = 0;
    float gain = 1.0F;

    const wire::ClientBlock* client_block = nullptr;
    wire::ServerBlock* server_block = nullptr;
    /**
     * One of them, by direction; the client writes the first. buffer_frames frames;
     * kSocketRingBuffers times as many where they come over the socket.
     */
    std::span<const std::byte> playback_ring;
    std::span<std::byte> capture_ring;
    /** The client has no pool: it hears of moves, too, from the loop's messages alone. */
    bool is_over_socket = false;

    /** Keeps the blocks and the ring alive for as long as the stream is. */
    std::shared_ptr<const void> memory;
    std::shared_ptr<StreamCounters> counters;
    std::shared_ptr<Mailbox> mailbox;
};

}  // namespace shmd::render
