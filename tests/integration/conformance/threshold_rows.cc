// start_threshold and stop_threshold.

#include "pcm.h"

#include <algorithm>

namespace shmd::conformance {

namespace {

constexpr snd_pcm_uframes_t kNeverBySome = 0x80000000;  // 2^31: what jackd and mpv set

bool InXrun(const Pcm& pcm) {
    snd_pcm_avail(pcm);
    return pcm.State() == SND_PCM_STATE_XRUN;
}

template <long threshold>
void StartExact(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.start = threshold}};
    if (threshold > 1) pcm.WriteAll(threshold - 1);
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "a frame before the threshold");
    pcm.WriteAll(1);
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "at the threshold");
}

void StartPeriod(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.start = kPeriod}};
    pcm.WriteAll(pcm.Period() - 1);
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "a frame before a period");
    pcm.WriteAll(1);
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "at a period");
}

void StartBuffer(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.start = kBuffer}};
    pcm.WriteAll(pcm.Buffer() - 1);
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "a frame before the buffer is full");
    pcm.WriteAll(1);
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "when the buffer is full");
}

template <snd_pcm_uframes_t threshold>
void StartByHand(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.start = threshold}};
    pcm.WriteAll(pcm.Buffer());
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "with the buffer full");
    pcm.Start();
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after snd_pcm_start");
}

void StartAfterPrepare(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.start = kPeriod}};
    pcm.WriteAll(pcm.Period() - 1);
    Answers("prepare", 0, snd_pcm_prepare(pcm));
    pcm.WriteAll(1);
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "with one frame, after prepare");
}

void StartOnRead(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.start = 1}};
    pcm.ReadAll(16);
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after the first read");
}

void StartThenRead(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.start = kNeverBySome}};
    pcm.Start();
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after snd_pcm_start");
    pcm.ReadAll(pcm.Period());
}

/** A read of less than start_threshold; ioplug's reads start it in any case. */
void ReadBelow(const Bench& bench) {
    Pcm pcm{bench, SND_PCM_NONBLOCK};
    pcm.Set({}, {.start = kBoundary});
    const long seen = pcm.Read(16);
    if (pcm.IsIoplug() && pcm.State() == SND_PCM_STATE_RUNNING)
        Refuse(seen, "snd_pcm_read_areas in alsa-lib starts it whatever the threshold");
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after a read of less than the threshold");
}

void Underrun(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const double began = Seconds();
    pcm.WriteAll(3 * pcm.Period());
    pcm.Start();
    WaitUntil("the underrun is an XRUN", [&] { return InXrun(pcm); });
    // A PCM may take what is in its buffer a period early, but not play faster.
    const double least = static_cast<double>(pcm.Period()) / pcm.Rate();
    Expect(Seconds() - began >= least, "no XRUN before a third of it was played");
}

void Overrun(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}};
    pcm.Start();
    WaitUntil("the overrun is an XRUN", [&] { return InXrun(pcm); });
}

void NoUnderrunWhileFed(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    for (int i = 0; i < 20; ++i) {
        pcm.MoveAll(pcm.Period());
        pcm.ExpectState(SND_PCM_STATE_RUNNING, "while it is fed, or read");
    }
}

void StopBoundary(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}, {.stop = kBoundary}};
    if (pcm.IsPlayback()) pcm.WriteAll(pcm.Period());
    pcm.Start();
    WaitUntil("avail is more than the buffer",
              [&] { return pcm.Avail() > pcm.Buffer() + pcm.Period(); });
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "then");
}

void StopBoundaryAgain(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}, {.stop = kBoundary}};
    if (pcm.IsPlayback()) pcm.WriteAll(pcm.Period());
    pcm.Start();
    WaitUntil("avail is more than the buffer",
              [&] { return pcm.Avail() > pcm.Buffer(); });
    const long ahead = pcm.Avail() - (pcm.IsPlayback() ? pcm.Buffer() : 0);
    const long skipped = snd_pcm_forward(pcm, static_cast<snd_pcm_uframes_t>(ahead));
    Answers("snd_pcm_forward of what was missed", ahead, skipped);
    pcm.MoveAll(pcm.Period());
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "then");
}

void StopEarly(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const long threshold = 4 * pcm.Period() + 321;
    pcm.SetThresholds({.stop = static_cast<snd_pcm_uframes_t>(threshold)});
    pcm.Run();
    WaitUntil("avail of stop_threshold is an XRUN", [&] { return InXrun(pcm); });
    const Status status;
    Answers("snd_pcm_status", 0, snd_pcm_status(pcm, status));
    const auto avail = static_cast<long>(snd_pcm_status_get_avail(status));
    Expect(avail >= threshold,
           "avail of " + Words(threshold) + " frames or more; saw " + Words(avail));
}

void StopMore(const Bench& bench) {
    Pcm probe{bench, Shape{.periods = 4}};
    const long beyond = probe.Buffer() + 2 * probe.Period();
    probe.Close();
    Pcm pcm{bench, Shape{.periods = 4}, {.stop = static_cast<unsigned long>(beyond)}};
    if (pcm.IsPlayback()) pcm.WriteAll(pcm.Period());
    pcm.Start();
    long most = 0;
    WaitUntil("there is an XRUN at last", [&] {
        const long avail = snd_pcm_avail(pcm);
        most = std::max(most, avail);
        return avail == -EPIPE;
    });
    Expect(most < beyond, "no avail of stop_threshold while RUNNING; saw " + Words(most));
}

constexpr auto kEach = Where::kEach;
constexpr auto kPlayback = Where::kPlayback;
constexpr auto kCapture = Where::kCapture;

constexpr Row kRows[] = {
    {"start.at_1", "with start_threshold 1 the first frame starts it", kPlayback,
     StartExact<1>},
    {"start.at_1000", "it starts at exactly 1000 frames", kPlayback, StartExact<1000>},
    {"start.at_period", "it starts at exactly a period", kPlayback, StartPeriod},
    {"start.at_buffer", "it starts when the buffer is full, and not before", kPlayback,
     StartBuffer},
    {"start.by_hand", "with start_threshold = boundary only snd_pcm_start starts it",
     kPlayback, StartByHand<kBoundary>},
    {"start.by_hand_2_31", "with start_threshold = 2^31 only snd_pcm_start starts it",
     kPlayback, StartByHand<kNeverBySome>},
    {"start.after_prepare", "what was written before prepare does not count", kPlayback,
     StartAfterPrepare},
    {"start.on_read", "a read starts it", kCapture, StartOnRead},
    {"start.read_by_hand", "start_threshold = 2^31: start, then read", kCapture,
     StartThenRead},
    {"start.read_below", "a read of less than start_threshold does not start it",
     kCapture, ReadBelow},
    {"stop.underrun", "what was written is played, and then it is XRUN", kPlayback,
     Underrun},
    {"stop.overrun", "a buffer that nobody reads is an XRUN", kCapture, Overrun},
    {"stop.fed", "no XRUN while it is fed, or read", kEach, NoUnderrunWhileFed},
    {"stop.boundary",
     "stop_threshold = boundary: no XRUN, and avail grows beyond the buffer", kEach,
     StopBoundary},
    {"stop.boundary_again",
     "stop_threshold = boundary: after forward over what was missed it is as before",
     kEach, StopBoundaryAgain},
    {"stop.early", "XRUN when stop_threshold frames are avail, also of a filled buffer",
     kEach, StopEarly},
    {"stop.beyond", "a stop_threshold of more than the buffer is the later XRUN", kEach,
     StopMore},
};

}  // namespace

std::span<const Row> ThresholdRows() {
    return kRows;
}

}  // namespace shmd::conformance
