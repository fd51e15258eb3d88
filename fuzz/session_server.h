#pragma once

#include "base/unique_fd.h"
#include "engine/engine.h"
#include "fuzz/hand_clock.h"
#include "loop/helpers.h"
#include "loop/loop.h"
#include "server/listening_socket.h"
#include "session/registry.h"
#include "session/socket_closer.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace shmd::fuzz {

/**
 * A server without its main(): loop, engine with two devices, sessions. All that it does
 * is done when it is told to: the loop's turns, and those of the audio threads. The
 * devices are "default", virtual, and "ring", whose ring clients may write into.
 *
 * Thread: one.
 */
class SessionServer {
  public:
    /** @param folder  where its socket is made */
    explicit SessionServer(const std::string& folder);
    ~SessionServer();

    /** Another client's end. */
    base::UniqueFd Connect();

    /** The loop does all that there is to do now, with its helper threads, and does not
     * wait for more. */
    void TurnLoop();

    /** No client is there any more: until all sessions have ended. Waits, as the loop
     * does when a user has to pause. */
    void AwaitEnd();

    /** Let `ns` go by, and have both audio threads turn. */
    void TurnAudio(int64_t ns);

  private:
    void AwaitHelpers();

    std::string path_;
    HandClock clock_;
    loop::Loop loop_;
    loop::Helpers helpers_;
    session::SocketCloser closer_;
    engine::Engine engine_;
    session::SessionContext context_;
    ListeningSocket listening_;
    std::unique_ptr<session::Registry> registry_;
};

}  // namespace shmd::fuzz
