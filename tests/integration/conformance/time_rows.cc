// Time stamps: of which clock, and that they move.

#include "pcm.h"

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

void SetType(const Pcm& pcm, snd_pcm_tstamp_type_t type) {
    const SwParams params;
    Answers("sw_params_current", 0, snd_pcm_sw_params_current(pcm, params));
    Answers("set_tstamp_mode", 0,
            snd_pcm_sw_params_set_tstamp_mode(pcm, params, SND_PCM_TSTAMP_ENABLE));
    Answers("set_tstamp_type", 0, snd_pcm_sw_params_set_tstamp_type(pcm, params, type));
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
    SetType(pcm, type);
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
    SetType(pcm, type);
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

void HTimestampMoves(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    SetType(pcm, SND_PCM_TSTAMP_TYPE_MONOTONIC);
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

void Trigger(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    SetType(pcm, SND_PCM_TSTAMP_TYPE_MONOTONIC);
    const double before = Seconds();
    pcm.Run();
    const double after = Seconds();
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
    {"status.trigger", "the trigger's stamp is of the start", kEach, Trigger},
};

}  // namespace

std::span<const Row> TimeRows() {
    return kRows;
}

}  // namespace shmd::conformance
