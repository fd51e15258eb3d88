// rewind and forward.

#include "pcm.h"

#include <algorithm>

namespace shmd::conformance {

namespace {

long Rewind(const Pcm& pcm, long frames) {
    return snd_pcm_rewind(pcm, static_cast<snd_pcm_uframes_t>(frames));
}

long Forward(const Pcm& pcm, long frames) {
    return snd_pcm_forward(pcm, static_cast<snd_pcm_uframes_t>(frames));
}

void Exact(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(1000);
    Answers("rewindable", 1000, snd_pcm_rewindable(pcm));
    Answers("rewind of 300", 300, Rewind(pcm, 300));
    Answers("avail", pcm.Buffer() - 700, pcm.Avail());
    Answers("delay", 700, pcm.Delay());
    Answers("rewindable then", 700, snd_pcm_rewindable(pcm));
    Answers("rewind of all the rest", 700, Rewind(pcm, 700));
    Answers("avail then", pcm.Buffer(), pcm.Avail());
}

void TooMuch(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(1000);
    const long seen = Rewind(pcm, 5000);
    if (pcm.IsIoplug() && seen == 5000)
        Refuse(seen, "snd_pcm_ioplug_rewind in alsa-lib moves appl_ptr unasked, any far");
    Answers("rewind of 5000 of 1000", 1000, seen);
    Answers("avail", pcm.Buffer(), pcm.Avail());
}

/** Whatever rewind answers, what follows is as ever. */
void TooMuchAndOn(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    Rewind(pcm, 2 * pcm.Buffer());
    snd_pcm_avail(pcm);
    Answers("drop", 0, snd_pcm_drop(pcm));
    Answers("prepare", 0, snd_pcm_prepare(pcm));
    pcm.ForgetMoved();
    pcm.Run();
    WaitUntil("it plays on", [&] { return pcm.Position() > 0; });
}

void Rewrite(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(pcm.Buffer());
    for (int i = 0; i < 3; ++i) {
        Answers("rewind of two periods", 2 * pcm.Period(), Rewind(pcm, 2 * pcm.Period()));
        Answers("avail", 2 * pcm.Period(), pcm.Avail());
        pcm.WriteAll(2 * pcm.Period());
        Answers("avail when it is full again", 0, pcm.Avail());
    }
    pcm.Start();
    WaitUntil("it plays", [&] { return pcm.Avail() >= pcm.Period(); });
}

void Running(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    const long rewindable = Succeeds("rewindable", snd_pcm_rewindable(pcm));
    Between("rewindable", 1, pcm.Buffer(), rewindable);
    const long before = pcm.Avail();
    const long seen = Rewind(pcm, rewindable / 2);
    Answers("rewind of half of that", rewindable / 2, seen);
    const long after = pcm.Avail();
    Expect(after >= before + seen,
           "avail of at least " + Words(before + seen) + "; saw " + Words(after));
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after the rewind");
    pcm.WriteAll(std::min(pcm.Avail(), seen));
}

void Zero(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    if (pcm.IsPlayback()) pcm.WriteAll(100);
    Answers("rewind of 0", 0, Rewind(pcm, 0));
    Answers("forward of 0", 0, Forward(pcm, 0));
    Answers("avail", pcm.IsPlayback() ? pcm.Buffer() - 100 : 0, pcm.Avail());
}

void ReadAgain(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    pcm.ReadAll(2 * pcm.Period());
    const auto first = pcm.Data();
    Answers("rewind of what was read", 2 * pcm.Period(), Rewind(pcm, 2 * pcm.Period()));
    pcm.ReadAll(2 * pcm.Period());
    Expect(first == pcm.Data(), "the same frames again");
}

void ForwardExact(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("forwardable", pcm.Buffer(), snd_pcm_forwardable(pcm));
    Answers("forward of 500", 500, Forward(pcm, 500));
    Answers("avail", pcm.Buffer() - 500, pcm.Avail());
    Answers("forwardable then", pcm.Buffer() - 500, snd_pcm_forwardable(pcm));
    Answers("rewind of it", 500, Rewind(pcm, 500));
    Answers("avail then", pcm.Buffer(), pcm.Avail());
}

void ForwardTooMuch(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(1000);
    const long seen = Forward(pcm, 2 * pcm.Buffer());
    if (pcm.IsIoplug() && seen == 2 * pcm.Buffer())
        Refuse(seen,
               "snd_pcm_ioplug_forward in alsa-lib moves appl_ptr unasked, any far");
    Answers("forward of two buffers", pcm.Buffer() - 1000, seen);
    Answers("avail", 0, pcm.Avail());
}

void ForwardCapture(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    WaitUntil("two periods are there", [&] { return pcm.Avail() >= 2 * pcm.Period(); });
    const long before = pcm.Avail();
    Answers("forward of a period", pcm.Period(), Forward(pcm, pcm.Period()));
    const long after = pcm.Avail();
    Between("avail", before - pcm.Period(), pcm.Buffer(), after);
    pcm.ReadAll(pcm.Period());
}

void ForwardAndPlay(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("forward of two periods", 2 * pcm.Period(), Forward(pcm, 2 * pcm.Period()));
    pcm.Start();
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after snd_pcm_start");
    WaitUntil("what was skipped is played, and it is XRUN", [&] {
        snd_pcm_avail(pcm);
        return pcm.State() == SND_PCM_STATE_XRUN;
    });
}

void Rewindable(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    for (int i = 0; i < 50; ++i) {
        const long seen = Succeeds("rewindable", snd_pcm_rewindable(pcm));
        Between("rewindable", 0, pcm.Buffer(), seen);
        const long forward = Succeeds("forwardable", snd_pcm_forwardable(pcm));
        Between("forwardable", 0, pcm.Buffer(), forward);
    }
}

constexpr auto kEach = Where::kEach;
constexpr auto kPlayback = Where::kPlayback;
constexpr auto kCapture = Where::kCapture;

constexpr Row kRows[] = {
    {"rewind.exact", "PREPARED: rewind moves avail and delay exactly", kPlayback, Exact},
    {"rewind.too_much", "a rewind of more than possible is one of what is possible",
     kPlayback, TooMuch},
    {"rewind.too_much_and_on", "after a rewind of too much, drop and prepare mend all",
     kPlayback, TooMuchAndOn},
    {"rewind.rewrite", "what was rewound can be written again", kPlayback, Rewrite},
    {"rewind.running", "RUNNING: half of what is rewindable can be rewound", kPlayback,
     Running},
    {"rewind.zero", "a rewind or forward of 0 does nothing", kEach, Zero},
    {"rewind.capture", "capture: after a rewind the same frames are read again", kCapture,
     ReadAgain},
    {"rewind.range", "rewindable and forwardable are within the buffer", kEach,
     Rewindable},
    {"forward.exact", "PREPARED: forward moves avail exactly", kPlayback, ForwardExact},
    {"forward.too_much", "a forward of more than possible is one of what is possible",
     kPlayback, ForwardTooMuch},
    {"forward.capture", "capture: forward skips frames", kCapture, ForwardCapture},
    {"forward.play", "what was skipped counts as written", kPlayback, ForwardAndPlay},
};

}  // namespace

std::span<const Row> RewindRows() {
    return kRows;
}

}  // namespace shmd::conformance
