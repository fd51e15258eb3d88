#include "base/clock.h"
#include "base/thread_role.h"
#include "config.h"
#include "engine/realtime.h"
#include "log.h"
#include "loop/loop.h"
#include "machine_limits.h"
#include "memory_lock.h"
#include "options.h"
#include "process.h"
#include "server.h"
#include "start_failure.h"
#include "usage_error.h"

#include <sysexits.h>
#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <system_error>

namespace {

/** How long the end waits for the log to be read. */
constexpr std::chrono::milliseconds kMostFlush{200};

int Serve(int argc, char** argv, const shmd::Settings& settings) {
    std::optional<shmd::loop::Loop> loop;
    try {
        loop.emplace();
    } catch (const std::system_error& error) {
        shmd::Log(shmd::LogLevel::kError) << shmd::ExplainNoUring(error);
        return EX_CONFIG;
    }
    shmd::RaiseDescriptorLimit();
    if (settings.realtime_priority > 0) {
        shmd::engine::LimitRealtimeTime();
        shmd::LockMemory();
        shmd::engine::PreferThisThread();
    }
    shmd::base::SystemClock clock;
    shmd::Server server{
        *loop,
        clock,
        settings,
        {.reload = [=] { return shmd::ParseCommandLine(argc, argv).settings; },
         .on_audio_start = {}}};
    server.Run();
    return 0;
}

int Main(int argc, char** argv) {
    using Action = shmd::Invocation::Action;
    const shmd::Invocation invocation = shmd::ParseCommandLine(argc, argv);
    switch (invocation.action) {
        case Action::kShowHelp:
            std::fputs(shmd::HelpText().c_str(), stdout);
            return 0;
        case Action::kShowVersion:
            std::puts("shmd " SHMD_VERSION);
            return 0;
        case Action::kRun:
            break;
    }
    shmd::base::SetThreadRole(shmd::base::ThreadRole::kLoop);
    shmd::LogInit(invocation.settings.log_level, shmd::StderrIsJournal());
    return Serve(argc, argv, invocation.settings);
}

/** @return the exit status; whatever is thrown is said. */
int MainOrSay(int argc, char** argv) {
    try {
        shmd::OpenStandardDescriptors();
        shmd::IgnoreMeaninglessSignals();
        return Main(argc, argv);
    } catch (const shmd::UsageError& error) {
        std::fprintf(stderr, "shmd: %s\n", error.what());
        return error.Status();
    } catch (const std::system_error& error) {
        shmd::Log(shmd::LogLevel::kError) << shmd::ExplainStartFailure(error);
        return EX_UNAVAILABLE;
    } catch (const std::exception& error) {
        shmd::Log(shmd::LogLevel::kError) << error.what();
        return EX_CONFIG;
    }
}

}  // namespace

int main(int argc, char** argv) {
    const int status = MainOrSay(argc, argv);
    shmd::LogFlush(kMostFlush);
    return status;
}
