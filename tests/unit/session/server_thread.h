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

/** Limits that allow so many connections, and any amount of everything else. */
inline Accounts::Limits ConnectionLimit(uint64_t connections) {
    Accounts::Limits limits;
    limits.total.connections = connections;
    return limits;
}

/**
 * A server on a thread of its own: loop, engine with one device, sessions. Its audio
 * follows a clock that the test moves.
 */
class ServerThread {
  public:
    /** The loop's timers are real and are set by the server's clock: where that is so far
     * ahead, none goes off. */
    static constexpr int64_t kFarAhead = 3600 * base::kNsPerSecond;

    struct Options {
        bool use_memfd = true;
        Registry::Options registry{};
        /** Where the server's clock begins, from the real one. */
        int64_t clock_ns = kFarAhead;
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

    /** Do this on the loop thread, after a turn. Thread: test. */
    void Defer(std::function<void(const Parts&)> function);

    /** From now on there is no memory for lines of the log with `text` in them. */
    void FailToLog(const std::string& text);

    /** Whether a line of the log has `text` in it, by now or within 10 s. */
    bool AwaitLog(const std::string& text);

  private:
    void Run(const Options& options);
    void Answer(const Parts& parts);
    void RunDeferred(const Parts& parts);
    void Log(const std::string& line);

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
    std::string fails_to_log_;
    std::vector<std::function<void(const Parts&)>> deferred_;

    std::thread thread_;
};

}  // namespace shmd::session
