#include "session/params_check.h"

#include "audio/channel_map.h"
#include "audio/gain.h"
#include "audio/resample.h"
#include "shm/pool.h"
#include "wire/limits.h"

#include <algorithm>

namespace shmd::session {

namespace {

// What passes the protocol's limits is given to lib/audio, which has limits of its own.
static_assert(wire::kMaxChannels == audio::kMaxChannels);
static_assert(wire::kMinRateHz == audio::kRateMinHz);
static_assert(wire::kMaxRateHz == audio::kRateMaxHz);
static_assert(static_cast<float>(wire::kMaxGainMilli) / 1000.0F == audio::kGainMax);

bool IsBetween(uint32_t value, uint32_t least, uint32_t most) {
    return value >= least && value <= most;
}

std::string OutOfRange(const char* what, uint64_t value) {
    return std::string{what} + " " + std::to_string(value) + " is out of range";
}

std::string CheckChannelMap(const wire::SetParams& request, audio::ChannelMap& map) {
    const auto used = std::span{request.channel_map}.first(request.channels);
    map = audio::DefaultChannelMap(request.channels);
    if (std::ranges::all_of(used, [](uint8_t p) { return p == 0; })) return "";
    for (size_t i = 0; i < used.size(); ++i) {
        if (used[i] > audio::kLastChannelPosition)
            return OutOfRange("channel position", used[i]);
        map.positions[i] = static_cast<audio::ChannelPosition>(used[i]);
    }
    return "";
}

std::string CheckSizes(const wire::SetParams& request, uint32_t frame_bytes) {
    if (request.period_frames < wire::kMinPeriodBytes / frame_bytes ||
        request.period_frames == 0)
        return OutOfRange("period", request.period_frames);
    if (request.buffer_frames / wire::kMinPeriods < request.period_frames ||
        request.buffer_frames > wire::kRingBytes / frame_bytes)
        return OutOfRange("buffer", request.buffer_frames);
    return "";
}

}  // namespace

std::string CheckParams(const wire::SetParams& request, render::StreamSetup& setup) {
    const auto format = audio::FindFormat(request.format);
    if (!format) return OutOfRange("format", request.format);
    if (!IsBetween(request.channels, 1, wire::kMaxChannels))
        return OutOfRange("channels", request.channels);
    if (!IsBetween(request.rate_hz, wire::kMinRateHz, wire::kMaxRateHz))
        return OutOfRange("rate", request.rate_hz);
    setup.format = {*format, request.rate_hz, request.channels};
    if (auto why = CheckSizes(request, setup.format.FrameBytes()); !why.empty())
        return why;
    setup.period_frames = request.period_frames;
    setup.buffer_frames = request.buffer_frames;
    return CheckChannelMap(request, setup.channel_map);
}

std::string CheckRing(const wire::SetParams& request, bool is_capture,
                      const ConnectionMemory& memory, render::StreamSetup& setup) {
    const uint64_t ring_bytes = uint64_t{setup.buffer_frames} * setup.format.FrameBytes();
    const bool is_in_client_pool =
        request.transport == static_cast<uint8_t>(wire::Transport::kMemfd) && !is_capture;
    if (!is_in_client_pool) {
        if (request.ring_offset != 0 || request.ring_bytes != 0)
            return "a ring is given, but this stream has none in the client's pool";
        const auto size = static_cast<size_t>(ring_bytes);
        if (is_capture)
            setup.capture_ring = memory.ServerRing().first(size);
        else
            setup.playback_ring =
                memory.PrivateClientRing().first(wire::kSocketRingBuffers * size);
        return "";
    }
    const auto range =
        shm::FindRange(memory.ClientPool(), request.ring_offset, request.ring_bytes);
    if (request.ring_bytes != ring_bytes || request.ring_offset < wire::kBlockBytes ||
        !range)
        return "the ring does not lie in the client's pool";
    setup.playback_ring = *range;
    return "";
}

}  // namespace shmd::session
