// Everything that has to follow when the server's parts are put together otherwise.

#include "fuzz/session_server.h"

#include "device/virtual_device.h"
#include "ipc/socket.h"
#include "tests/unit/session/ring_device.h"
#include "wire/limits.h"

#include <unistd.h>
#include <utility>

namespace shmd::fuzz {

namespace {

// The loop's timers are real: where the server's clock is so far ahead none goes off.
constexpr int64_t kFarAheadNs = 3600 * base::kNsPerSecond;
// What completes in one turn may only begin something.
constexpr int kLoopTurns = 5;

}  // namespace

SessionServer::SessionServer(const std::string& folder)
    : path_{folder + "/socket"},
      clock_{base::SystemClock{}.NowNs() + kFarAheadNs},
      helpers_{loop_},
      closer_{loop_, helpers_},
      engine_{loop_, clock_, {}, [](auto&&...) {}},
      context_{.loop = loop_,
               .helpers = helpers_,
               .closer = closer_,
               .buffer = std::make_shared<loop::MessageBuffer>(wire::kMaxMessageBytes),
               .engine = engine_,
               .log = [](auto&&...) {}},
      listening_{path_} {
    engine_.AddDevice("default",
                      std::make_unique<device::VirtualDevice>(device::DeviceSpec{}));
    clock_.Await(1);
    engine_.AddDevice("ring", std::make_unique<session::RingDevice>());
    clock_.Await(2);
    registry_ = std::make_unique<session::Registry>(context_, listening_.Get(),
                                                    session::Registry::Options{});
    TurnLoop();
}

SessionServer::~SessionServer() {
    registry_.reset();
    closer_.Finish(base::kNsPerSecond);
    clock_.Release();
}

base::UniqueFd SessionServer::Connect() {
    base::UniqueFd socket = ipc::TryConnect(path_);
    TurnLoop();
    return socket;
}

void SessionServer::TurnLoop() {
    for (int turns = 0; turns < kLoopTurns; ++turns) {
        loop_.Defer([] {});  // with something to do at its end a turn does not wait
        loop_.RunOnce();
        AwaitHelpers();
    }
}

/** All clients are this process's, so there is one user, whose work is done in order. */
void SessionServer::AwaitHelpers() {
    const uid_t user = ::geteuid();
    if (helpers_.Unfinished(user) == 0) return;
    bool is_done = false;
    helpers_.Run(
        user, [] {}, [&is_done] { is_done = true; });
    while (!is_done)
        loop_.RunOnce();
}

void SessionServer::AwaitEnd() {
    while (registry_->Count() > 0 || closer_.Count() > 0) {
        loop_.RunOnce();
        AwaitHelpers();
    }
}

void SessionServer::TurnAudio(int64_t ns) {
    clock_.Turn(ns);
}

}  // namespace shmd::fuzz
