#pragma once

#include "engine/made_stream.h"
#include "render/stream_setup.h"
#include "wire/message.h"

#include <exception>

namespace shmd::session {

/**
 * A stream that a client has asked for and that is being made.
 *
 * The loop fills the first three members. Make writes the others, on the loop or on a
 * helper thread. The loop does not access it until the helper has finished.
 */
struct StreamBuild {
    wire::SetParams request;
    engine::StreamTarget target;
    render::StreamSetup setup;
    engine::MadeStream made;
    std::exception_ptr error;

    /** Thread: any but an audio thread. */
    void Make() noexcept {
        error = nullptr;
        try {
            made = engine::MakeStream(target, setup);
        } catch (...) {
            error = std::current_exception();
        }
    }
};

}  // namespace shmd::session
