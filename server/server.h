#pragma once

#include "base/clock.h"
#include "device_names_file.h"
#include "engine/engine.h"
#include "limited_log.h"
#include "listening_socket.h"
#include "loop/helpers.h"
#include "loop/loop.h"
#include "loop/signal.h"
#include "machine_limits.h"
#include "session/registry.h"
#include "session/session.h"
#include "session/socket_closer.h"
#include "settings.h"

#include <functional>
#include <memory>
#include <string>

namespace shmd {

/** The server: wires its parts, and runs until it is told to stop. Thread: loop. */
class Server {
  public:
    struct Options {
        /** Reads the settings anew; called on SIGHUP. */
        std::function<Settings()> reload;
        /** Runs first on each audio thread; tests confine the thread with it. */
        std::function<void()> on_audio_start;
    };

    /**
     * Open everything and listen.
     * Errors: std::system_error, std::invalid_argument, std::runtime_error: what they say
     * names the file, key or device.
     */
    Server(loop::Loop& loop, base::Clock& clock, const Settings& settings,
           Options options);
    ~Server();

    /** Serve until SIGTERM, SIGINT or Stop(), then write the statistics. */
    void Run();
    void Stop() { loop_.Stop(); }

    [[nodiscard]] const engine::Engine& GetEngine() const noexcept { return engine_; }

  private:
    static void RequireStatisticsFile(const Settings& settings);
    void AddDevices();
    void ListDevices();
    bool TryRunLoop();
    void LogScheduling(const std::string& device, engine::Realtime scheduling);
    void OnSignal(int signal);
    void Reload();
    void ReloadStatisticsFile(const Settings& next);
    void ReloadDevices(const Settings& next);
    void SetRightsToHear(const Settings& settings);
    void ReloadRights(const Settings& next);
    void WriteStatistics();

    loop::Loop& loop_;
    const Machine machine_;
    Settings settings_;
    Options options_;
    loop::SignalWatch signals_;
    LimitedLog log_;
    loop::Helpers helpers_;
    session::SocketCloser closer_;
    engine::Engine engine_;
    session::SessionContext context_;
    std::unique_ptr<ListeningSocket> listening_;
    std::unique_ptr<DeviceNamesFile> names_;  // none where it cannot be written
    bool is_systems_;                         // it serves others than its own user
    std::unique_ptr<session::Registry> registry_;
};

}  // namespace shmd
