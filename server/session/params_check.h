#pragma once

#include "render/stream_setup.h"
#include "session/connection_memory.h"
#include "wire/message.h"

#include <string>

namespace shmd::session {

/**
 * Check a client's parameters and fill `setup` with them: format, channel map, period,
 * buffer. What cannot be is named in the answer, which is empty when all is well.
 * Thread: any.
 */
std::string CheckParams(const wire::SetParams& request, render::StreamSetup& setup);

/**
 * Check where the ring is said to be, and set the ring of its direction.
 * @param request  with parameters that CheckParams accepted into `setup`
 * @return empty, or what cannot be
 */
std::string CheckRing(const wire::SetParams& request, bool is_capture,
                      const ConnectionMemory& memory, render::StreamSetup& setup);

}  // namespace shmd::session
