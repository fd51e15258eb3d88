#pragma once

#include "audio/format.h"
#include "engine/endpoint.h"
#include "render/counters.h"

#include <sys/types.h>
#include <cstdint>
#include <memory>
#include <string>

namespace shmd::engine {

/** The client of a stream, and how its payload travels: for the log and the statistics.
 */
struct StreamOwner {
    uint64_t client_id = 0;
    std::string client_name;
    pid_t pid = 0;
    uid_t uid = 0;
    const char* transport = "";
};

/** What the statistics say about a stream, after it has ended too. */
struct StreamRecord {
    uint64_t stream_id = 0;
    StreamOwner owner;
    std::string device;
    EndpointKind kind = EndpointKind::kPlayback;
    audio::StreamFormat format;
    uint32_t period_frames = 0;
    uint32_t buffer_frames = 0;
    bool ended = false;
    /** "granted", or why the client was not given the card's ring. */
    std::string direct;
    std::shared_ptr<const render::StreamCounters> counters;
};

}  // namespace shmd::engine
