#include "server.h"

#include "ipc/socket.h"
#include "log.h"
#include "start_failure.h"
#include "statistics.h"
#include "wire/limits.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>
#include <algorithm>
#include <csignal>
#include <new>
#include <stdexcept>
#include <system_error>
#include <tuple>
#include <utility>

namespace shmd {

namespace {

constexpr int64_t kLastMomentNs = 200 * base::kNsPerMs;

engine::DeviceRunner::Options RunnerOptions(const Settings& settings,
                                            loop::Helpers& helpers,
                                            std::function<void()> on_audio_start) {
    return {.cycle_max_us = settings.cycle_max_us,
            .realtime_priority = static_cast<int>(settings.realtime_priority),
            .owner = ::geteuid(),
            .helpers = &helpers,
            .on_audio_start = std::move(on_audio_start)};
}

engine::Engine::CardOptions CardOptionsOf(const Settings& settings) {
    return {.fallback = settings.fallback,
            .idle_timeout_ns = int64_t{settings.idle_timeout_ms} * base::kNsPerMs};
}

std::unique_ptr<ListeningSocket> Listen(const std::string& configured) {
    if (base::UniqueFd passed = FindPassedSocket(); passed) {
        Log(LogLevel::kInfo) << "listening on the socket that was passed";
        return std::make_unique<ListeningSocket>(std::move(passed));
    }
    const std::string path = ipc::ServerSocketPath(configured);
    auto listening = std::make_unique<ListeningSocket>(path);
    Log(LogLevel::kInfo) << "listening socket=" << path;
    return listening;
}

}  // namespace

Server::Server(loop::Loop& loop, base::Clock& clock, const Settings& settings,
               Options options)
    : loop_{loop},
      machine_{LookAtMachine()},
      settings_{settings},
      options_{std::move(options)},
      signals_{loop,
               {SIGTERM, SIGINT, SIGHUP, SIGXCPU},
               [this](int signal) { OnSignal(signal); }},
      log_{loop, clock},
      helpers_{loop},
      closer_{loop, helpers_},
      engine_{
          loop, clock, RunnerOptions(settings, helpers_, options_.on_audio_start),
          [this](bool severe, const base::LogSubject& subject, const std::string& line) {
              log_.Write(severe ? LogLevel::kError : LogLevel::kWarn, subject, line);
          }},
      context_{
          .loop = loop,
          .helpers = helpers_,
          .closer = closer_,
          .buffer = std::make_shared<loop::MessageBuffer>(wire::kMaxMessageBytes),
          .engine = engine_,
          .use_memfd = settings.memfd,
          .gain = static_cast<float>(settings.gain),
          .direct = session::Right{"direct", settings.direct},
          .direct_trusted = session::Right{"direct_trusted", settings.direct_trusted},
          .log =
              [this](bool warning, const base::LogSubject& subject,
                     const std::string& line) {
                  log_.Write(warning ? LogLevel::kWarn : LogLevel::kInfo, subject, line);
              }},
      // The socket before the devices: a second server must not truncate the first's
      // files.
      listening_{Listen(settings.socket)},
      is_systems_{IsSystemsServer(listening_->Get())} {
    SetRightsToHear(settings);
    RequireStatisticsFile(settings);
    AddDevices();
    const auto limits = LimitsOn(machine_, settings_);
    Log(LogLevel::kInfo) << Describe(limits);
    registry_ = std::make_unique<session::Registry>(
        context_, listening_->Get(), session::Registry::Options{.limits = limits});
    ListDevices();
}

/** Now, and not when the server stops, with nothing to write it to. */
void Server::RequireStatisticsFile(const Settings& settings) {
    if (settings.stats_file.empty()) return;
    try {
        RequireWritable(settings.stats_file);
    } catch (const std::system_error& error) {
        throw std::runtime_error{std::string{"key 'stats_file': cannot write "} +
                                 error.what()};
    }
}

/** Clients hear the end when their sockets are closed; some may take long to close. */
Server::~Server() {
    registry_.reset();
    try {
        closer_.Finish(kLastMomentNs);
    } catch (const std::exception& error) {
        Log(LogLevel::kError) << error.what();
    }
}

void Server::AddDevices() {
    for (const auto& [name, spec] : settings_.devices) {
        try {
            engine_.AddDevice(name, spec, CardOptionsOf(settings_));
        } catch (const std::system_error& error) {
            throw std::runtime_error("device '" + name +
                                     "': " + ExplainStartFailure(error));
        } catch (const std::exception& error) {
            throw std::runtime_error("device '" + name + "': " + error.what());
        }
        const auto& runner = *engine_.Devices().back();
        Log(LogLevel::kInfo) << "device=" << name << " spec=" << spec;
        LogScheduling(name, runner.Scheduling());
    }
}

/** For `aplay -L`. Clients do without the list where it cannot be written. */
void Server::ListDevices() {
    std::vector<std::string> names;
    for (const auto& [name, spec] : settings_.devices)
        names.push_back(name);
    try {
        names_ = std::make_unique<DeviceNamesFile>(listening_->Get(), names);
    } catch (const std::system_error& error) {
        Log(LogLevel::kInfo) << "aplay -L will not list the devices: " << error.what();
    }
}

void Server::LogScheduling(const std::string& device, engine::Realtime scheduling) {
    if (settings_.realtime_priority == 0) return;
    switch (scheduling) {
        case engine::Realtime::kByRight:
            Log(LogLevel::kDebug) << "device=" << device << " has SCHED_FIFO";
            break;
        case engine::Realtime::kByService:
            Log(LogLevel::kInfo) << "device=" << device << " has SCHED_RR by RealtimeKit";
            break;
        case engine::Realtime::kNo:
            Log(LogLevel::kInfo) << "device=" << device
                                 << " without SCHED_FIFO: neither RLIMIT_RTPRIO nor "
                                    "RealtimeKit allows it (see realtime_priority)";
    }
}

void Server::Run() {
    ::sd_notify(/*unset_environment=*/1, "READY=1");
    while (!TryRunLoop())
        continue;
    log_.TellRest();
    WriteStatistics();
}

/**
 * Sessions see to it themselves that memory that ends costs one client alone. This is for
 * all other work of the loop, which goes on with what comes next.
 * @return whether it was told to stop
 */
bool Server::TryRunLoop() {
    try {
        loop_.Run();
        return true;
    } catch (const std::bad_alloc&) {
        Log(LogLevel::kError) << "no memory left";
        return false;
    }
}

void Server::OnSignal(int signal) {
    if (signal == SIGHUP) return Reload();
    if (signal == SIGXCPU) return engine_.GiveUpRealtime();
    Log(LogLevel::kInfo) << "stopping on signal " << signal;
    ::sd_notify(0, "STOPPING=1");
    loop_.Stop();
}

void Server::Reload() {
    Settings next;
    try {
        next = options_.reload();
    } catch (const std::exception& error) {
        Log(LogLevel::kError) << "not reloaded: " << error.what();
        return;
    }
    ReloadDevices(next);
    if (next.socket != settings_.socket)
        Log(LogLevel::kWarn) << "socket changes only with a restart";
    SetLogLevel(next.log_level);
    registry_->SetLimits(LimitsOn(machine_, next));
    context_.use_memfd = next.memfd;
    ReloadRights(next);
    context_.gain = static_cast<float>(next.gain);
    ReloadStatisticsFile(next);
    Log(LogLevel::kInfo) << "reloaded";
}

void Server::ReloadStatisticsFile(const Settings& next) {
    if (next.stats_file == settings_.stats_file) return;
    try {
        RequireStatisticsFile(next);
        settings_.stats_file = next.stats_file;
    } catch (const std::exception& error) {
        Log(LogLevel::kError) << "not reloaded: " << error.what();
    }
}

void Server::SetRightsToHear(const Settings& settings) {
    const auto right = [&](const char* key, const std::string& text) {
        return text.empty() ? session::Right::ToHear(is_systems_)
                            : session::Right{key, text};
    };
    session::Right record = right("record", settings.record);
    context_.monitor = right("monitor", settings.monitor);
    context_.record = std::move(record);
}

void Server::ReloadRights(const Settings& next) {
    const auto texts = [](auto& settings) {
        return std::tie(settings.direct, settings.direct_trusted, settings.record,
                        settings.monitor);
    };
    // Looking up names may take long, and the loop waits: only where they are new.
    if (texts(next) == texts(settings_)) return;
    try {
        session::Right direct{"direct", next.direct};
        session::Right direct_trusted{"direct_trusted", next.direct_trusted};
        SetRightsToHear(next);
        context_.direct = std::move(direct);
        context_.direct_trusted = std::move(direct_trusted);
        texts(settings_) = texts(next);
    } catch (const std::exception& error) {
        Log(LogLevel::kError) << "not reloaded: " << error.what();
    }
}

void Server::ReloadDevices(const Settings& next) {
    const auto only_with_restart = [](const std::string& name) {
        Log(LogLevel::kWarn) << "device=" << name << " changes only with a restart";
    };
    for (const auto& [name, spec] : settings_.devices)
        if (std::ranges::find(next.devices, name, &DeviceList::value_type::first) ==
            next.devices.end())
            only_with_restart(name);
    for (const auto& device : next.devices) {
        const auto& [name, spec] = device;
        try {
            if (!engine_.ChangeDevice(name, spec, CardOptionsOf(next)) &&
                std::ranges::find(settings_.devices, device) == settings_.devices.end())
                only_with_restart(name);
        } catch (const std::exception& error) {
            Log(LogLevel::kError)
                << "device=" << name << " not changed: " << error.what();
        }
    }
}

void Server::WriteStatistics() {
    if (settings_.stats_file.empty()) return;
    try {
        WriteFile(settings_.stats_file, StatisticsJson(engine_, loop_));
    } catch (const std::exception& error) {
        Log(LogLevel::kError) << "statistics not written: " << error.what();
    }
}

}  // namespace shmd
