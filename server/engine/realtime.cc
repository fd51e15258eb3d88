#include "engine/realtime.h"

#include <sched.h>
#include <sys/resource.h>
#include <systemd/sd-bus.h>
#include <unistd.h>
#include <algorithm>
#include <cstdint>
#include <memory>

namespace shmd::engine {

namespace {

constexpr char kService[] = "org.freedesktop.RealtimeKit1";
constexpr char kObject[] = "/org/freedesktop/RealtimeKit1";
constexpr int kPreferredNice = -11;  // PulseAudio's and PipeWire's, too
constexpr uint64_t kPatienceUs = 1'000'000;
constexpr rlim_t kRunawayUs = 200'000;
constexpr rlim_t kHopelessUs = 2'000'000;

struct CloseBus {
    void operator()(sd_bus* bus) const noexcept { ::sd_bus_flush_close_unref(bus); }
};
using Bus = std::unique_ptr<sd_bus, CloseBus>;

int SetScheduler(pid_t thread, int policy, int priority) noexcept {
    sched_param param{};
    param.sched_priority = priority;
    return ::sched_setscheduler(thread, policy | SCHED_RESET_ON_FORK, &param);
}

/** First the signal, on which something can be done, then the kernel kills. */
bool SetRealtimeTime(rlim_t signal_us, rlim_t kill_us) noexcept {
    rlimit now{};
    if (::getrlimit(RLIMIT_RTTIME, &now) != 0) return false;
    const rlimit next{std::min(signal_us, now.rlim_max), std::min(kill_us, now.rlim_max)};
    return ::setrlimit(RLIMIT_RTTIME, &next) == 0;
}

Bus OpenBus() noexcept {
    sd_bus* bus = nullptr;
    if (::sd_bus_open_system(&bus) < 0) return {};
    ::sd_bus_set_method_call_timeout(bus, kPatienceUs);
    return Bus{bus};
}

template <typename Value>
bool Read(sd_bus* bus, const char* property, char type, Value& value) noexcept {
    return ::sd_bus_get_property_trivial(bus, kService, kObject, kService, property,
                                         nullptr, type, &value) >= 0;
}

bool AskService(pid_t thread, int priority) noexcept {
    const Bus bus = OpenBus();
    int64_t most_us = 0;
    int32_t most_priority = 0;
    if (!bus || !Read(bus.get(), "RTTimeUSecMax", 'x', most_us) ||
        !Read(bus.get(), "MaxRealtimePriority", 'i', most_priority) || most_us <= 0)
        return false;
    // It refuses a process that could use more.
    const auto kill_us = static_cast<rlim_t>(most_us);
    if (!SetRealtimeTime(kill_us / 2, kill_us)) return false;
    return ::sd_bus_call_method(bus.get(), kService, kObject, kService,
                                "MakeThreadRealtime", nullptr, nullptr, "tu",
                                static_cast<uint64_t>(thread),
                                static_cast<uint32_t>(std::min<int32_t>(
                                    priority, std::max(most_priority, 1)))) >= 0;
}

}  // namespace

Realtime MakeRealtime(pid_t thread, int priority) noexcept {
    if (SetScheduler(thread, SCHED_FIFO, priority) == 0) return Realtime::kByRight;
    return AskService(thread, priority) ? Realtime::kByService : Realtime::kNo;
}

void MakeOrdinary(pid_t thread) noexcept {
    SetScheduler(thread, SCHED_OTHER, 0);
}

void LimitRealtimeTime() noexcept {
    SetRealtimeTime(kRunawayUs, kHopelessUs);
}

bool PreferThisThread() noexcept {
    const pid_t self = ::gettid();
    if (::setpriority(PRIO_PROCESS, static_cast<id_t>(self), kPreferredNice) == 0)
        return true;
    const Bus bus = OpenBus();
    return bus && ::sd_bus_call_method(bus.get(), kService, kObject, kService,
                                       "MakeThreadHighPriority", nullptr, nullptr, "ti",
                                       static_cast<uint64_t>(self),
                                       int32_t{kPreferredNice}) >= 0;
}

}  // namespace shmd::engine
