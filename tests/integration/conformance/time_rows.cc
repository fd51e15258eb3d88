// Time stamps: of which clock, and that they move.

#include "pcm.h"

#include <optional>

namespace shmd::conformance {

namespace {

struct Stamp {
    double seconds;
    long avail;
};

double ToSeconds(const timespec& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

double Now(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return ToSeconds(now);
}

/** Ask for stamps, of `type` if there is one. */
void Enable(const Pcm& pcm, std::optional<snd_pcm_tstamp_type_t> type = {}) {
    const SwParams params;
    Answers("sw_params_current", 0, snd_pcm_sw_params_current(pcm, params));
    Answers("set_tstamp_mode", 0,
            snd_pcm_sw_params_set_tstamp_mode(pcm, params, SND_PCM_TSTAMP_ENABLE));
    if (type)
        Answers("set_tstamp_type", 0,
                snd_pcm_sw_params_set_tstamp_type(pcm, params, *type));
    Answers("sw_params", 0, snd_pcm_sw_params(pcm, params));
}

Stamp HTimestamp(const Pcm& pcm) {
    snd_pcm_uframes_t avail = 0;
    snd_htimestamp_t time{};
    pcm.Avail();
    Answers("snd_pcm_htimestamp", 0, snd_pcm_htimestamp(pcm, &avail, &time));
    return {ToSeconds(time), static_cast<long>(avail)};
}

template <snd_pcm_tstamp_type_t type, clockid_t clock>
void HTimestampClock(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Enable(pcm, type);
    const double before = Now(clock);
    pcm.Run();
    Stamp stamp{};
    WaitUntil("the stamp is of after the start", [&] {
        stamp = HTimestamp(pcm);
        return stamp.seconds >= before;
    });
    Expect(stamp.seconds <= Now(clock), "no stamp of the future");
}

template <snd_pcm_tstamp_type_t type, clockid_t clock>
void StatusClock(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Enable(pcm, type);
    const double before = Now(clock);
    pcm.Run();
    const Status status;
    timespec time{};
    WaitUntil("the stamp is of after the start", [&] {
        Answers("snd_pcm_status", 0, snd_pcm_status(pcm, status));
        snd_pcm_status_get_htstamp(status, &time);
        return ToSeconds(time) >= before;
    });
    Expect(ToSeconds(time) <= Now(clock), "no stamp of the future");
}

/** Without a word about the type: of the clock that the PCM says. */
void DefaultClock(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const HwParams hw_params;
    Answers("hw_params_current", 0, snd_pcm_hw_params_current(pcm, hw_params));
    const bool is_monotonic = snd_pcm_hw_params_is_monotonic(hw_params) == 1;
    const clockid_t clock = is_monotonic ? CLOCK_MONOTONIC : CLOCK_REALTIME;
    const std::string name = is_monotonic ? "monotonic clock" : "wall clock";
    Enable(pcm);
    const double before = Now(clock);
    pcm.Run();
    const double after = Now(clock);
    const Status status;
    timespec trigger{};
    timespec now{};
    WaitUntil("the stamp is of after the start, by the " + name, [&] {
        Answers("snd_pcm_status", 0, snd_pcm_status(pcm, status));
        snd_pcm_status_get_htstamp(status, &now);
        return ToSeconds(now) >= before;
    });
    Expect(ToSeconds(now) <= Now(clock), "no stamp of the future, by the " + name);
    snd_pcm_status_get_trigger_htstamp(status, &trigger);
    Expect(ToSeconds(trigger) >= before && ToSeconds(trigger) <= after,
           "a trigger time of the start, by the " + name);
}

void HTimestampMoves(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    Enable(pcm, SND_PCM_TSTAMP_TYPE_MONOTONIC);
    pcm.Run();
    Stamp last = HTimestamp(pcm);
    int moved = 0;
    for (int i = 0; i < 100; ++i) {
        const Stamp now = HTimestamp(pcm);
        Expect(now.seconds >= last.seconds, "no stamp before the last");
        Expect(now.avail >= last.avail, "no avail before the last");
        moved += now.seconds > last.seconds;
        last = now;
        const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
        ::nanosleep(&pause, nullptr);
    }
    Expect(moved > 0, "a stamp that moves");
}

template <snd_pcm_tstamp_type_t type, clockid_t clock>
void Trigger(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Enable(pcm, type);
    const double before = Now(clock);
    pcm.Run();
    const double after = Now(clock);
    WaitUntil("it has moved", [&] { return pcm.Position() > 0; });
    const Status status;
    Answers("snd_pcm_status", 0, snd_pcm_status(pcm, status));
    timespec trigger{};
    timespec now{};
    snd_pcm_status_get_trigger_htstamp(status, &trigger);
    snd_pcm_status_get_htstamp(status, &now);
    Expect(ToSeconds(trigger) >= before && ToSeconds(trigger) <= after,
           "a trigger time of the start");
    Expect(ToSeconds(now) >= ToSeconds(trigger), "a time after the trigger's");
}

constexpr auto kEach = Where::kEach;
constexpr auto kWall = SND_PCM_TSTAMP_TYPE_GETTIMEOFDAY;
constexpr auto kMonotonic = SND_PCM_TSTAMP_TYPE_MONOTONIC;
constexpr auto kRaw = SND_PCM_TSTAMP_TYPE_MONOTONIC_RAW;

constexpr Row kRows[] = {
    {"htimestamp.gettimeofday", "the stamp is of the wall clock", kEach,
     HTimestampClock<kWall, CLOCK_REALTIME>},
    {"htimestamp.monotonic", "the stamp is of the monotonic clock", kEach,
     HTimestampClock<kMonotonic, CLOCK_MONOTONIC>},
    {"htimestamp.monotonic_raw", "the stamp is of the raw monotonic clock", kEach,
     HTimestampClock<kRaw, CLOCK_MONOTONIC_RAW>},
    {"htimestamp.moves", "stamp and avail move, and never go back", kEach,
     HTimestampMoves},
    {"status.gettimeofday", "status has a stamp of the wall clock", kEach,
     StatusClock<kWall, CLOCK_REALTIME>},
    {"status.monotonic", "status has a stamp of the monotonic clock", kEach,
     StatusClock<kMonotonic, CLOCK_MONOTONIC>},
    {"status.monotonic_raw", "status has a stamp of the raw monotonic clock", kEach,
     StatusClock<kRaw, CLOCK_MONOTONIC_RAW>},
    {"status.default",
     "unasked, stamps are of the clock that snd_pcm_hw_params_is_monotonic tells", kEach,
     DefaultClock},
    {"trigger.gettimeofday", "the trigger's stamp is of the start, by the wall clock",
     kEach, Trigger<kWall, CLOCK_REALTIME>},
    {"trigger.monotonic", "the trigger's stamp is of the start, by the monotonic clock",
     kEach, Trigger<kMonotonic, CLOCK_MONOTONIC>},
    {"trigger.monotonic_raw",
     "the trigger's stamp is of the start, by the raw monotonic clock", kEach,
     Trigger<kRaw, CLOCK_MONOTONIC_RAW>},
};

}  // namespace

std::span<const Row> TimeRows() {
    return kRows;
}

}  // namespace shmd::conformance
