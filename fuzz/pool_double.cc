#include "fuzz/pool_double.h"

#include "audio/channel_map.h"
#include "wire/limits.h"

namespace shmd::fuzz {

PoolDouble::PoolDouble(uint32_t stream_id, const Options& options)
    : options_{options}, stream_id_{stream_id} {
    const uint32_t buffers =
        options.is_over_socket && !options.is_capture ? wire::kSocketRingBuffers : 1;
    memory_->ring.resize(size_t{options.format.FrameBytes()} * options.buffer_frames *
                         buffers);
    audio::FillSilence(options.format.sample, memory_->ring);
    Words().stop_threshold_frames = options.buffer_frames;
    Words().avail_min_frames = options.period_frames;
}

render::StreamSetup PoolDouble::Setup() const {
    render::StreamSetup setup;
    setup.stream_id = stream_id_;
    setup.format = options_.format;
    setup.channel_map = audio::DefaultChannelMap(options_.format.channels);
    setup.period_frames = options_.period_frames;
    setup.buffer_frames = options_.buffer_frames;
    setup.generation = kGeneration;
    setup.gain = options_.gain;
    setup.client_block = &memory_->client;
    setup.server_block = &memory_->server;
    if (options_.is_capture)
        setup.capture_ring = memory_->ring;
    else
        setup.playback_ring = memory_->ring;
    setup.is_over_socket = options_.is_over_socket;
    setup.memory = memory_;
    setup.counters = counters_;
    setup.mailbox = mailbox_;
    return setup;
}

}  // namespace shmd::fuzz
