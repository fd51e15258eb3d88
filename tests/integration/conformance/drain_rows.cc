// Drain: all that was written is played, and then it is SETUP.

#include "pcm.h"

namespace shmd::conformance {

namespace {

double SecondsOf(const Pcm& pcm, long frames) {
    return static_cast<double>(frames) / pcm.Rate();
}

/** Blocking; it must not take less time than the frames. */
void DrainAll(Pcm& pcm, long frames, double began) {
    Answers("snd_pcm_drain", 0, snd_pcm_drain(pcm));
    pcm.ExpectState(SND_PCM_STATE_SETUP, "after snd_pcm_drain");
    // A PCM may take the first period at once.
    const double least = SecondsOf(pcm, frames - pcm.Period());
    const double took = Seconds() - began;
    Expect(took >= least,
           "at least " + std::to_string(least) + " s; it took " + std::to_string(took));
}

void Blocking(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(4 * pcm.Period());
    const double began = Seconds();
    pcm.Start();
    DrainAll(pcm, 4 * pcm.Period(), began);
}

void Prepared(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(3 * pcm.Period());
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "before the drain");
    DrainAll(pcm, 3 * pcm.Period(), Seconds());
}

template <long frames>
void Short(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(frames);
    Answers("snd_pcm_drain", 0, snd_pcm_drain(pcm));
    pcm.ExpectState(SND_PCM_STATE_SETUP, "after snd_pcm_drain");
}

void Full(const Bench& bench) {
    Pcm pcm{bench, Shape{.period = 480, .periods = 8}};
    pcm.WriteAll(pcm.Buffer());
    DrainAll(pcm, pcm.Buffer(), Seconds());
}

void Nonblock(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    const double began = Seconds();
    pcm.RunIntoDraining(3 * pcm.Period());
    Answers("snd_pcm_drain while DRAINING", -EAGAIN, snd_pcm_drain(pcm));
    WaitUntil("the drain ends", [&] {
        snd_pcm_avail_update(pcm);
        return pcm.State() != SND_PCM_STATE_DRAINING;
    });
    pcm.ExpectState(SND_PCM_STATE_SETUP, "after the drain");
    Expect(Seconds() - began >= SecondsOf(pcm, 2 * pcm.Period()), "the time it takes");
}

void NonblockPrepared(const Bench& bench) {
    Pcm pcm{bench, SND_PCM_NONBLOCK};
    pcm.Set({});
    pcm.WriteAll(2 * pcm.Period());
    Answers("a nonblocking snd_pcm_drain", -EAGAIN, snd_pcm_drain(pcm));
    pcm.ExpectState(SND_PCM_STATE_DRAINING, "after -EAGAIN");
    WaitUntil("poll tells its end", [&] {
        pcm.Poll(1000);
        return pcm.State() == SND_PCM_STATE_SETUP;
    });
}

void NonblockThenBlock(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RunIntoDraining(2 * pcm.Period());
    Answers("snd_pcm_nonblock(0)", 0, snd_pcm_nonblock(pcm, 0));
    Answers("a blocking snd_pcm_drain", 0, snd_pcm_drain(pcm));
    pcm.ExpectState(SND_PCM_STATE_SETUP, "after the drain");
}

void Position(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RunIntoDraining(4 * pcm.Period());
    long last = pcm.Buffer() - 4 * pcm.Period();
    for (;;) {
        const long avail = snd_pcm_avail_update(pcm);
        if (pcm.State() != SND_PCM_STATE_DRAINING) return;
        Between("avail while DRAINING", last, pcm.Buffer(), avail);
        last = avail;
    }
}

void Again(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    for (int i = 0; i < 3; ++i) {
        pcm.WriteAll(pcm.Period());
        Answers("snd_pcm_drain", 0, snd_pcm_drain(pcm));
        Answers("snd_pcm_prepare", 0, snd_pcm_prepare(pcm));
        Answers("avail", pcm.Buffer(), pcm.Avail());
    }
}

void Paused(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RequirePause();
    pcm.Run();
    pcm.Pause();
    Answers("snd_pcm_drain while PAUSED", 0, snd_pcm_drain(pcm));
    pcm.ExpectState(SND_PCM_STATE_SETUP, "after snd_pcm_drain");
}

void PausedPlays(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RequirePause();
    pcm.Run();
    pcm.Pause();
    const long queued = pcm.Buffer() - pcm.Avail();
    const double began = Seconds();
    Answers("snd_pcm_drain while PAUSED", 0, snd_pcm_drain(pcm));
    const bool played = Seconds() - began >= SecondsOf(pcm, queued - pcm.Period());
    if (!played && pcm.IsIoplug())
        Refuse(0, "snd_pcm_ioplug_drain in alsa-lib drops a PAUSED stream");
    Expect(played, "what was queued is played");
}

void Capture(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    WaitUntil("a period is there", [&] { return pcm.Avail() >= pcm.Period(); });
    Answers("snd_pcm_drain", 0, snd_pcm_drain(pcm));
    const snd_pcm_state_t state = pcm.State();
    Expect(state == SND_PCM_STATE_SETUP || state == SND_PCM_STATE_DRAINING,
           std::string{"SETUP or DRAINING; saw "} + snd_pcm_state_name(state));
}

void CaptureRest(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    WaitUntil("two periods are there", [&] { return pcm.Avail() >= 2 * pcm.Period(); });
    Answers("snd_pcm_drain", 0, snd_pcm_drain(pcm));
    if (pcm.IsIoplug() && pcm.State() == SND_PCM_STATE_SETUP)
        Refuse(pcm.Read(pcm.Period()),
               "snd_pcm_ioplug_drain in alsa-lib drops a capture stream");
    pcm.ExpectState(SND_PCM_STATE_DRAINING, "with frames to read");
    const long seen = pcm.Read(2 * pcm.Period());
    if (seen == -EBADFD && pcm.IsHw())
        Refuse(seen, "pcm_accessible_state in Linux knows no DRAINING");
    Answers("a read of what is left", 2 * pcm.Period(), seen);
    while (pcm.Read(pcm.Period()) > 0) {
    }
    pcm.ExpectState(SND_PCM_STATE_SETUP, "when all was read");
}

void CapturePrepared(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("snd_pcm_drain of a PREPARED capture stream", 0, snd_pcm_drain(pcm));
    const snd_pcm_state_t state = pcm.State();
    Expect(state == SND_PCM_STATE_SETUP || state == SND_PCM_STATE_PREPARED,
           std::string{"SETUP or PREPARED; saw "} + snd_pcm_state_name(state));
    PassWith(std::string{"it is "} + snd_pcm_state_name(state) + " then");
}

void Mmap(const Bench& bench) {
    Pcm pcm{bench, Shape{.access = SND_PCM_ACCESS_MMAP_INTERLEAVED}};
    pcm.WriteAll(3 * pcm.Period() + 7);
    DrainAll(pcm, 3 * pcm.Period(), Seconds());
}

void NoStop(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.WriteAll(2 * pcm.Period());
    DrainAll(pcm, 2 * pcm.Period(), Seconds());
}

constexpr auto kPlayback = Where::kPlayback;
constexpr auto kCapture = Where::kCapture;

constexpr Row kRows[] = {
    {"drain.blocking", "a blocking drain plays all and goes to SETUP", kPlayback,
     Blocking},
    {"drain.prepared", "drain starts what is PREPARED and plays it", kPlayback, Prepared},
    {"drain.one_frame", "drain of a single frame", kPlayback, Short<1>},
    {"drain.odd", "drain of what is not whole periods", kPlayback, Short<1234>},
    {"drain.full", "drain of a full buffer", kPlayback, Full},
    {"drain.mmap", "drain of what was written by mmap", kPlayback, Mmap},
    {"drain.no_stop", "stop_threshold = boundary does not keep a drain from ending",
     kPlayback, NoStop},
    {"drain.nonblock", "nonblocking: -EAGAIN until it is SETUP", kPlayback, Nonblock},
    {"drain.nonblock_prepared", "nonblocking, from PREPARED: poll tells its end",
     kPlayback, NonblockPrepared},
    {"drain.nonblock_then_block", "a drain begun nonblocking can be waited for",
     kPlayback, NonblockThenBlock},
    {"drain.position", "avail grows while DRAINING, at most to the buffer", kPlayback,
     Position},
    {"drain.again", "after a drain, prepare and play again", kPlayback, Again},
    {"drain.paused", "drain while PAUSED ends in SETUP", kPlayback, Paused},
    {"drain.paused_plays", "drain while PAUSED plays what is queued", kPlayback,
     PausedPlays},
    {"drain.capture", "drain stops capture", kCapture, Capture},
    {"drain.capture_rest", "what was captured before the drain can be read", kCapture,
     CaptureRest},
    {"drain.capture_prepared", "drain of PREPARED capture does not start it", kCapture,
     CapturePrepared},
};

}  // namespace

std::span<const Row> DrainRows() {
    return kRows;
}

}  // namespace shmd::conformance
