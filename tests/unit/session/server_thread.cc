#include "tests/unit/session/server_thread.h"

#include "base/clock.h"
#include "base/error.h"
#include "loop/event.h"
#include "loop/helpers.h"
#include "wire/limits.h"

#include <sys/eventfd.h>
#include <algorithm>
#include <chrono>
#include <new>
#include <optional>

namespace shmd::session {

namespace {

constexpr std::chrono::seconds kDeadline{10};

}  // namespace

ServerThread::ServerThread(std::unique_ptr<device::Device> device, const Options& options)
    : clock_{base::SystemClock{}.NowNs() + options.clock_ns},
      device_{std::move(device)},
      event_{
          base::RequireNonNegative(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), "eventfd")} {
    thread_ = std::thread{[this, options] { Run(options); }};
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return is_up_; });
}

ServerThread::~ServerThread() {
    {
        const std::lock_guard lock{mutex_};
        stopping_ = true;
    }
    ::eventfd_write(event_.Get(), 1);
    thread_.join();
}

void ServerThread::Run(const Options& options) {
    loop::Loop loop;
    loop::Helpers helpers{loop};
    SocketCloser closer{loop, helpers};
    engine::Engine engine{
        loop, clock_, {}, [this](bool, const base::LogSubject&, const std::string& line) {
            Log(line);
        }};
    engine.AddDevice("default", std::move(device_));
    SessionContext context{
        .loop = loop,
        .helpers = helpers,
        .closer = closer,
        .buffer = std::make_shared<loop::MessageBuffer>(wire::kMaxMessageBytes),
        .engine = engine,
        .use_memfd = options.use_memfd,
        .gain = 1.0F,
        .log = [this](bool, const base::LogSubject&, const std::string& line) {
            Log(line);
        }};
    const ListeningSocket listening{Path()};
    std::optional<Registry> registry{std::in_place, context, listening.Get(),
                                     options.registry};
    bool stop = false;
    const loop::EventWatch watch{loop, event_.Get(), [&](uint64_t) {
                                     const std::lock_guard lock{mutex_};
                                     stop = stopping_;
                                 }};
    {
        const std::lock_guard lock{mutex_};
        is_up_ = true;
    }
    changed_.notify_all();
    while (!stop) {
        loop.RunOnce();
        RunDeferred({*registry, engine});
        Answer({*registry, engine});
    }
    registry.reset();
    closer.Finish(kFarAhead);
}

void ServerThread::Answer(const Parts& parts) {
    const std::lock_guard lock{mutex_};
    if (condition_ == nullptr || !(*condition_)(parts)) return;
    condition_ = nullptr;
    changed_.notify_all();
}

void ServerThread::Log(const std::string& line) {
    const std::lock_guard lock{mutex_};
    if (!fails_to_log_.empty() && line.find(fails_to_log_) != std::string::npos)
        throw std::bad_alloc{};
    log_.push_back(line);
}

void ServerThread::FailToLog(const std::string& text) {
    const std::lock_guard lock{mutex_};
    fails_to_log_ = text;
}

void ServerThread::Defer(std::function<void(const Parts&)> function) {
    const std::lock_guard lock{mutex_};
    deferred_.push_back(std::move(function));
    ::eventfd_write(event_.Get(), 1);
}

void ServerThread::RunDeferred(const Parts& parts) {
    std::vector<std::function<void(const Parts&)>> deferred;
    {
        const std::lock_guard lock{mutex_};
        deferred.swap(deferred_);
    }
    for (const auto& function : deferred)
        function(parts);
}

bool ServerThread::Await(const std::function<bool(const Parts&)>& condition) {
    std::unique_lock lock{mutex_};
    condition_ = &condition;
    ::eventfd_write(event_.Get(), 1);
    const bool held =
        changed_.wait_for(lock, kDeadline, [this] { return condition_ == nullptr; });
    condition_ = nullptr;
    return held;
}

bool ServerThread::AwaitLog(const std::string& text) {
    // The lock is held when it is asked.
    return Await([&](const Parts&) {
        return std::ranges::any_of(log_, [&](const std::string& line) {
            return line.find(text) != std::string::npos;
        });
    });
}

}  // namespace shmd::session
