// poll, its descriptors and revents, and snd_pcm_wait.

#include "pcm.h"

#include <poll.h>

namespace shmd::conformance {

namespace {

constexpr int kShortMs = 30;
constexpr int kLongMs = 10000;

void Count(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const int count = snd_pcm_poll_descriptors_count(pcm);
    Between("poll descriptors", 1, 16, count);
    pollfd fds[16];
    Answers("snd_pcm_poll_descriptors", count, snd_pcm_poll_descriptors(pcm, fds, 16));
    for (int i = 0; i < count; ++i)
        Expect(fds[i].fd >= 0 && fds[i].events != 0, "a descriptor, and events");
    PassWith(Words(count));
}

void Open(const Bench& bench) {
    Pcm pcm{bench};
    const unsigned short revents = pcm.Poll(kShortMs);
    PassWith("revents " + Words(revents));
}

void Prepared(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    if (pcm.IsPlayback())
        Answers("revents while PREPARED and empty", POLLOUT, pcm.Poll(kLongMs));
    else
        Answers("revents while PREPARED", 0, pcm.Poll(kShortMs));
}

void Full(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(pcm.Buffer());
    Answers("revents while PREPARED and full", 0, pcm.Poll(kShortMs));
}

void Running(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    Answers("revents", pcm.Ready(), pcm.Poll(kLongMs));
    const long avail = pcm.Avail();
    Expect(avail >= pcm.Period(), "avail of a period; saw " + Words(avail));
}

void AvailMin(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const long wanted = 2 * pcm.Period() + 345;
    pcm.SetThresholds({.avail_min = static_cast<snd_pcm_uframes_t>(wanted)});
    pcm.Run();
    Answers("revents", pcm.Ready(), pcm.Poll(kLongMs));
    const long avail = pcm.Avail();
    Expect(avail >= wanted,
           "avail of avail_min, " + Words(wanted) + " frames; saw " + Words(avail));
}

void AvailMinChanged(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.avail_min = kBuffer}};
    pcm.WriteAll(pcm.Period());
    Answers("revents, with avail_min of the buffer", 0, pcm.Poll(kShortMs));
    pcm.SetThresholds({.avail_min = kPeriod});
    Answers("revents, with avail_min of a period", POLLOUT, pcm.Poll(kLongMs));
}

void Xrun(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}};
    pcm.RunIntoXrun();
    const unsigned short revents = pcm.Poll(kLongMs);
    Expect((revents & POLLERR) != 0, "POLLERR; saw " + Words(revents));
}

void XrunWakes(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}, {.avail_min = kBoundary}};
    if (pcm.IsPlayback()) pcm.WriteAll(pcm.Period());
    pcm.Start();
    const unsigned short revents = pcm.Poll(kLongMs);
    Expect((revents & POLLERR) != 0, "POLLERR; saw " + Words(revents));
    pcm.ExpectState(SND_PCM_STATE_XRUN, "then");
}

void Setup(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("drop", 0, snd_pcm_drop(pcm));
    const unsigned short revents = pcm.Poll(kLongMs);
    Expect((revents & POLLERR) != 0, "POLLERR; saw " + Words(revents));
}

void Draining(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RunIntoDraining(2 * pcm.Period());
    while (pcm.State() == SND_PCM_STATE_DRAINING)
        Expect(pcm.Poll(kLongMs) != 0, "an event at the end of the drain");
    pcm.ExpectState(SND_PCM_STATE_SETUP, "after the drain");
}

void WaitTimeout(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    if (pcm.IsPlayback()) pcm.WriteAll(pcm.Buffer());
    Answers("snd_pcm_wait with nothing ready", 0, snd_pcm_wait(pcm, kShortMs));
}

void WaitZero(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    if (pcm.IsPlayback()) pcm.WriteAll(pcm.Buffer());
    Answers("snd_pcm_wait(0) with nothing ready", 0, snd_pcm_wait(pcm, 0));
}

void WaitAtOnce(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("snd_pcm_wait of an empty PREPARED stream", 1, snd_pcm_wait(pcm, kLongMs));
}

void WaitReady(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    Answers("snd_pcm_wait", 1, snd_pcm_wait(pcm, kLongMs));
    const long avail = pcm.Avail();
    Expect(avail >= pcm.Period(), "avail of a period; saw " + Words(avail));
}

void WaitAvailMin(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const long wanted = 3 * pcm.Period() + 210;
    pcm.SetThresholds({.avail_min = static_cast<snd_pcm_uframes_t>(wanted)});
    pcm.Run();
    Answers("snd_pcm_wait", 1, snd_pcm_wait(pcm, kLongMs));
    const long avail = pcm.Avail();
    Expect(avail >= wanted,
           "avail of avail_min, " + Words(wanted) + " frames; saw " + Words(avail));
}

void WaitForXrun(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}, {.avail_min = kBoundary}};
    if (pcm.IsPlayback()) pcm.WriteAll(pcm.Period());
    pcm.Start();
    Answers("snd_pcm_wait", -EPIPE, snd_pcm_wait(pcm, kLongMs));
}

void WaitForEver(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    Answers("snd_pcm_wait(-1)", 1, snd_pcm_wait(pcm, -1));
}

constexpr auto kEach = Where::kEach;
constexpr auto kPlayback = Where::kPlayback;

constexpr Row kRows[] = {
    {"poll.descriptors", "there are as many poll descriptors as the count says", kEach,
     Count},
    {"poll.open", "poll while OPEN does no harm", kEach, Open},
    {"poll.prepared", "PREPARED and empty: playback is writable, capture not readable",
     kEach, Prepared},
    {"poll.full", "PREPARED and full is not writable", kPlayback, Full},
    {"poll.running", "ready only when a period is there", kEach, Running},
    {"poll.avail_min", "ready only when avail_min frames are there", kEach, AvailMin},
    {"poll.avail_min_changed", "a lowered avail_min makes it ready", kPlayback,
     AvailMinChanged},
    {"poll.xrun", "XRUN is POLLERR", kEach, Xrun},
    {"poll.xrun_wakes", "an XRUN wakes who polls", kEach, XrunWakes},
    {"poll.setup", "SETUP is POLLERR", kEach, Setup},
    {"poll.draining", "the end of a drain wakes who polls", kPlayback, Draining},
    {"wait.timeout", "wait answers 0 when the time is up", kEach, WaitTimeout},
    {"wait.zero", "wait(0) answers 0 at once", kEach, WaitZero},
    {"wait.at_once", "wait answers 1 for an empty PREPARED stream", kPlayback,
     WaitAtOnce},
    {"wait.ready", "wait answers 1 when a period is there", kEach, WaitReady},
    {"wait.avail_min", "wait answers 1 only when avail_min frames are there", kEach,
     WaitAvailMin},
    {"wait.for_xrun", "wait answers -EPIPE when an XRUN comes", kEach, WaitForXrun},
    {"wait.for_ever", "wait(-1) answers 1 when a period is there", kEach, WaitForEver},
};

}  // namespace

std::span<const Row> PollRows() {
    return kRows;
}

}  // namespace shmd::conformance
