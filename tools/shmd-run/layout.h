#pragma once

#include <string>

namespace shmd::run {

/** Where the parts are that make a private server usable. Absolute paths. */
struct Layout {
    std::string server;  ///< the program `shmd`
    std::string module;  ///< libasound_module_pcm_shmd.so
    std::string config;  ///< 60-shmd.conf
    /** What must be preloaded into programs that load `module`; empty: nothing. */
    std::string preload;
};

/**
 * The parts beside this very program: those of the build tree when it was started from
 * there, else the installed ones (under the same DESTDIR, if there is one).
 *
 * Thread: any.  Errors: throws std::system_error (no /proc).
 */
Layout FindLayout();

}  // namespace shmd::run
