// avail, delay and status tell the same story, and never go back.

#include "pcm.h"

#include <algorithm>
#include <cmath>
#include <random>

namespace shmd::conformance {

namespace {

constexpr int kSamples = 500;
constexpr int kFewSamples = 50;

long AvailUpdate(const Pcm& pcm) {
    return Succeeds("snd_pcm_avail_update", snd_pcm_avail_update(pcm));
}

void Empty(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("avail", pcm.IsPlayback() ? pcm.Buffer() : 0, pcm.Avail());
    Answers("avail_update", pcm.IsPlayback() ? pcm.Buffer() : 0, AvailUpdate(pcm));
    Answers("delay", 0, pcm.Delay());
}

void Written(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    for (const long frames : {1L, 99L, 860L, 1000L}) {
        pcm.WriteAll(frames);
        Answers("avail", pcm.Buffer() - pcm.Moved(), pcm.Avail());
        Answers("avail_update", pcm.Buffer() - pcm.Moved(), AvailUpdate(pcm));
        Answers("delay", pcm.Moved(), pcm.Delay());
    }
}

void Moves(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    for (long last = 0, i = 0; i < 5; ++i) {
        WaitUntil("the position moves", [&] { return pcm.Position() > last; });
        last = pcm.Position();
    }
}

/** Frames and seconds agree, very roughly: nobody knows how busy the machine is. */
void Rate(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.Run();
    WaitUntil("it moves", [&] { return pcm.Position() > 0; });
    const double began = Seconds();
    const long from = pcm.Position();
    WaitUntil("eight periods have passed",
              [&] { return pcm.Position() - from >= 8 * pcm.Period(); });
    const auto frames = static_cast<double>(pcm.Position() - from);
    const double expected = (Seconds() - began) * pcm.Rate();
    Expect(frames > expected / 3 && frames < expected * 3 + 2.0 * double(pcm.Period()),
           "about " + std::to_string(std::lround(expected)) + " frames; saw " +
               std::to_string(std::lround(frames)));
}

/** The delay is what is in the buffer, and what the device has of it besides. */
void DelayAndAvail(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    for (int i = 0; i < kFewSamples; ++i) {
        const long before = pcm.Avail();
        const long delay = pcm.Delay();
        const long after = pcm.Avail();
        const long least = pcm.IsPlayback() ? pcm.Buffer() - after : before;
        Between("the delay", least, pcm.Buffer() + 2 * static_cast<long>(pcm.Rate()),
                delay);
    }
}

void AvailDelay(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    for (int i = 0; i < kFewSamples; ++i) {
        const long before = pcm.Avail();
        snd_pcm_sframes_t avail = 0;
        snd_pcm_sframes_t delay = 0;
        Answers("snd_pcm_avail_delay", 0, snd_pcm_avail_delay(pcm, &avail, &delay));
        const long after = pcm.Avail();
        Between("avail of snd_pcm_avail_delay", before, after, avail);
        const long least = pcm.IsPlayback() ? pcm.Buffer() - after : before;
        Expect(delay >= least,
               "a delay of at least " + Words(least) + "; saw " + Words(delay));
    }
}

void StatusAgrees(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    const Status status;
    for (int i = 0; i < kFewSamples; ++i) {
        const long before = pcm.Avail();
        Answers("snd_pcm_status", 0, snd_pcm_status(pcm, status));
        const long after = pcm.Avail();
        const auto avail = static_cast<long>(snd_pcm_status_get_avail(status));
        Between("status.avail", before, after, avail);
        const long least = pcm.IsPlayback() ? pcm.Buffer() - after : before;
        const long delay = snd_pcm_status_get_delay(status);
        Expect(delay >= least,
               "a status.delay of at least " + Words(least) + "; saw " + Words(delay));
    }
}

void StatusPrepared(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    if (pcm.IsPlayback()) pcm.WriteAll(777);
    const Status status;
    Answers("snd_pcm_status", 0, snd_pcm_status(pcm, status));
    Answers("status.avail", pcm.IsPlayback() ? pcm.Buffer() - 777 : 0,
            static_cast<long>(snd_pcm_status_get_avail(status)));
    // Linux tells it only while RUNNING or DRAINING.
    Answers("status.delay", {pcm.IsPlayback() ? 777L : 0L, 0L},
            snd_pcm_status_get_delay(status));
}

void StatusAvailMax(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    WaitUntil("a period is there", [&] { return pcm.Avail() >= pcm.Period(); });
    const Status status;
    Answers("snd_pcm_status", 0, snd_pcm_status(pcm, status));
    const auto most = static_cast<long>(snd_pcm_status_get_avail_max(status));
    Expect(most >= pcm.Period(), "an avail_max of a period; saw " + Words(most));
}

/** One of the ways to ask for avail. */
long AnyAvail(const Pcm& pcm, unsigned way, const Status& status) {
    snd_pcm_uframes_t avail = 0;
    snd_htimestamp_t time{};
    switch (way) {
        case 0:
            return pcm.Avail();
        case 1:
            return AvailUpdate(pcm);
        case 2:
            Answers("snd_pcm_status", 0, snd_pcm_status(pcm, status));
            return static_cast<long>(snd_pcm_status_get_avail(status));
        default:
            // What it tells is the last update's, so that must not be behind either.
            Answers("snd_pcm_htimestamp", 0, snd_pcm_htimestamp(pcm, &avail, &time));
            return static_cast<long>(avail);
    }
}

void MonotonicAvail(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.Run();
    const Status status;
    std::mt19937 random{7};
    long last = 0;
    for (int i = 0; i < kSamples; ++i) {
        const unsigned way = random() % 4;
        const long avail = AnyAvail(pcm, way, status);
        const long at =
            pcm.IsPlayback() ? pcm.Moved() - pcm.Buffer() + avail : pcm.Moved() + avail;
        Expect(at >= last, "sample " + Words(i) + ", way " + Words(way) +
                               ": no position before " + Words(last) + "; saw " +
                               Words(at));
        last = at;
        const timespec pause{.tv_sec = 0,
                             .tv_nsec = static_cast<long>(random() % 600000)};
        ::nanosleep(&pause, nullptr);
        if (avail >= pcm.Period() && random() % 3 == 0) pcm.MoveAll(pcm.Period());
    }
    Expect(last > 0, "a position that moves");
}

void MonotonicDelay(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.Run();
    // How much is on its way behind the buffer a PCM may not know before it has played.
    WaitUntil("a period has passed", [&] { return pcm.Avail() >= pcm.Period(); });
    std::mt19937 random{11};
    long last = pcm.IsPlayback() ? -2 * pcm.Buffer() : 0;
    for (int i = 0; i < kSamples; ++i) {
        const long delay = pcm.Delay();
        const long heard = pcm.IsPlayback() ? pcm.Moved() - delay : pcm.Moved() + delay;
        Expect(heard >= last, "sample " + Words(i) + ": not less than " + Words(last) +
                                  " frames heard; saw " + Words(heard));
        last = heard;
        const timespec pause{.tv_sec = 0,
                             .tv_nsec = static_cast<long>(random() % 600000)};
        ::nanosleep(&pause, nullptr);
        if (random() % 5 == 0 && pcm.Avail() >= pcm.Period()) pcm.MoveAll(pcm.Period());
    }
}

void UpTo(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}};
    if (pcm.IsPlayback()) pcm.WriteAll(pcm.Buffer());
    pcm.Start();
    for (;;) {
        const long avail = snd_pcm_avail(pcm);
        if (avail == -EPIPE) return;
        Between("avail until the XRUN", 0, pcm.Buffer() - 1, avail);
    }
}

void Exact(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    WaitUntil("some periods are there", [&] { return pcm.Avail() >= 4 * pcm.Period(); });
    const long before = pcm.Position();
    pcm.MoveAll(3 * pcm.Period());
    const long after = pcm.Position();
    Between("the position after frames were moved", before, before + pcm.Buffer(), after);
}

constexpr auto kEach = Where::kEach;

constexpr Row kRows[] = {
    {"avail.empty", "PREPARED and empty: avail is the buffer, or 0; no delay", kEach,
     Empty},
    {"avail.written", "PREPARED: avail and delay follow what was written, exactly",
     Where::kPlayback, Written},
    {"avail.moves", "the position moves while RUNNING", kEach, Moves},
    {"avail.rate", "the position moves by about RATE frames a second", kEach, Rate},
    {"avail.range", "avail is less than the buffer until the XRUN", kEach, UpTo},
    {"avail.moved", "what is moved changes avail, and not the position", kEach, Exact},
    {"delay.avail", "the delay is no less than what is in the buffer", kEach,
     DelayAndAvail},
    {"delay.avail_delay", "avail_delay tells what avail and delay tell", kEach,
     AvailDelay},
    {"delay.monotonic", "500 samples of delay: what was heard never goes back", kEach,
     MonotonicDelay},
    {"status.avail", "status tells what avail and delay tell", kEach, StatusAgrees},
    {"status.exact", "status while PREPARED is exact", kEach, StatusPrepared},
    {"status.avail_max", "avail_max is no less than avail was", kEach, StatusAvailMax},
    {"avail.monotonic",
     "500 samples of avail, avail_update, status, htimestamp: it never goes back", kEach,
     MonotonicAvail},
};

}  // namespace

std::span<const Row> PositionRows() {
    return kRows;
}

}  // namespace shmd::conformance
