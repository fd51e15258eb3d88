#pragma once

#include "render/stream_setup.h"
#include "session/connection_memory.h"
#include "wire/message.h"

#include <string>

namespace shmd::session {

/**
 * Check a client's parameters and fill `setup` with them: format, channel map, period,
 * buffer.
 * @return empty, or the value that is impossible
 * Thread: any.
 */
std::string CheckParams(const wire::SetParams& request, render::StreamSetup& setup);

/**
 * Check the place that the client gives for the ring, and set the ring of its direction.
 * @param request  with parameters that CheckParams accepted into `setup`
 * @return empty, or what is impossible
 */
std::string CheckRing(const wire::SetParams& request, bool is_capture,
                      const ConnectionMemory& memory, render::StreamSetup& setup);

}  // namespace shmd::session
