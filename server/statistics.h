#pragma once

#include "engine/engine.h"
#include "loop/loop.h"

#include <string>

namespace shmd {

/**
 * What the server has done so far, as JSON: each stream with its client, transport,
 * format, frames and xruns; each device with its cycles, wakes and system calls; the
 * process with its processor time and memory. doc/statistics.md names the fields. Thread:
 * loop.
 */
std::string StatisticsJson(const engine::Engine& engine, const loop::Loop& loop);

/**
 * Require that WriteFile can write the file at `path`. A file that is there stays as it
 * is, and none is left where there was none.  Errors: std::system_error.
 */
void RequireWritable(const std::string& path);

/** Write `text` to the file at `path`, replacing it. Errors: std::system_error. */
void WriteFile(const std::string& path, const std::string& text);

}  // namespace shmd
