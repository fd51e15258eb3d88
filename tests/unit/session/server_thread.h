#pragma once

#include "engine/engine.h"
#include "listening_socket.h"
#include "session/registry.h"
#include "tests/support/manual_clock.h"
#include "tests/unit/device/temp_dir.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace shmd::session {

/**
 * A server on a thread of its own: loop, engine with one device, sessions. Its audio
 * follows a clock that the test moves.
 */
class ServerThread {
  public:
    struct Options {
        bool use_memfd = true;
        Quota::Limits limits{};
    };

    /** What runs on the loop thread, for Await. */
    struct Parts {
        Registry& registry;
        engine::Engine& engine;
    };

    ServerThread(std::unique_ptr<device::Device> device, const Options& options);
    ServerThread(const ServerThread&) = delete;
    ServerThread& operator=(const ServerThread&) = delete;
    ~ServerThread();

    [[nodiscard]] std::string Path() const { return dir_.File("socket"); }
    testing::ManualClock& Clock() { return clock_; }

    /**
     * Wait until `condition` holds; it is asked on the loop thread, after each turn.
     * @return false if that was not within 10 s.  Thread: test.
     */
    bool Await(const std::function<bool(const Parts&)>& condition);

    /** Whether a line of the log has `text` in it, by now or within 10 s. */
    bool AwaitLog(const std::string& text);

  private:
    void Run(const Options& options);
    void Answer(const Parts& parts);

    device::TempDir dir_;
    testing::ManualClock clock_;
    std::unique_ptr<device::Device> device_;
    base::UniqueFd event_;

    std::mutex mutex_;
    std::condition_variable changed_;
    const std::function<bool(const Parts&)>* condition_ = nullptr;
    bool is_up_ = false;
    bool stopping_ = false;
    std::vector<std::string> log_;

    std::thread thread_;
};

}  // namespace shmd::session
