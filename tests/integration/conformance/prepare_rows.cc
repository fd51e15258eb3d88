// prepare, reset and recover.

#include "pcm.h"

namespace shmd::conformance {

namespace {

void ExpectFresh(const Pcm& pcm) {
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after snd_pcm_prepare");
    Answers("avail after prepare", pcm.IsPlayback() ? pcm.Buffer() : 0, pcm.Avail());
}

void Prepare(const Pcm& pcm) {
    Answers("snd_pcm_prepare", 0, snd_pcm_prepare(pcm));
    ExpectFresh(pcm);
}

void Setup(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("drop", 0, snd_pcm_drop(pcm));
    Prepare(pcm);
}

void Prepared(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    if (pcm.IsPlayback()) pcm.WriteAll(100);
    Prepare(pcm);
}

/** The kernel refuses it while it runs; what takes it is as after drop. */
void PrepareMoving(const Pcm& pcm, snd_pcm_state_t state) {
    const int answer = snd_pcm_prepare(pcm);
    Answers("prepare", {0, -EBUSY}, answer);
    if (answer == 0)
        ExpectFresh(pcm);
    else
        pcm.ExpectState(state, "after -EBUSY");
    PassWith("answers " + Words(answer));
}

void Running(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    PrepareMoving(pcm, SND_PCM_STATE_RUNNING);
}

void Draining(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RunIntoDraining(pcm.Buffer());
    PrepareMoving(pcm, SND_PCM_STATE_DRAINING);
}

void Paused(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RequirePause();
    pcm.Run();
    pcm.Pause();
    Prepare(pcm);
}

void Xrun(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}};
    pcm.RunIntoXrun();
    Prepare(pcm);
    pcm.ForgetMoved();
    pcm.Run();
    WaitUntil("it runs on", [&] { return pcm.Position() > 0; });
}

void Twice(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    for (int i = 0; i < 20; ++i)
        Prepare(pcm);
}

void ResetPrepared(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    if (pcm.IsPlayback()) pcm.WriteAll(pcm.Period());
    Answers("reset", 0, snd_pcm_reset(pcm));
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after reset");
    Answers("avail after reset", pcm.IsPlayback() ? pcm.Buffer() : 0, pcm.Avail());
    Answers("delay after reset", 0, pcm.Delay());
}

void ResetPaused(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RequirePause();
    pcm.Run();
    WaitUntil("a period has passed", [&] { return pcm.Position() >= pcm.Period(); });
    pcm.Pause();
    Answers("reset", 0, snd_pcm_reset(pcm));
    pcm.ExpectState(SND_PCM_STATE_PAUSED, "after reset");
    Answers("avail after reset", pcm.IsPlayback() ? pcm.Buffer() : 0, pcm.Avail());
}

void ResetRunning(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.Run();
    Answers("reset", 0, snd_pcm_reset(pcm));
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after reset");
    const long avail = pcm.Avail();
    // It goes on, so some frames may have passed since; less than were queued.
    if (pcm.IsPlayback())
        Between("avail after reset", pcm.Buffer(), 2 * pcm.Buffer() - 1, avail);
    else
        Between("avail after reset", 0, pcm.Buffer(), avail);
    WaitUntil("it goes on", [&] { return pcm.Avail() > avail; });
}

void ResetAndWrite(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(pcm.Period());
    Answers("reset", 0, snd_pcm_reset(pcm));
    pcm.ForgetMoved();
    pcm.WriteAll(pcm.Buffer());
    Answers("avail", 0, pcm.Avail());
    pcm.Start();
    WaitUntil("it plays", [&] { return pcm.Position() >= pcm.Period(); });
}

void RecoverXrun(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}};
    pcm.RunIntoXrun();
    Answers("snd_pcm_recover(-EPIPE)", 0, snd_pcm_recover(pcm, -EPIPE, 1));
    ExpectFresh(pcm);
    pcm.Run();
}

void RecoverOther(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("snd_pcm_recover(-EINTR)", 0, snd_pcm_recover(pcm, -EINTR, 1));
    Answers("snd_pcm_recover(-EBADFD)", -EBADFD, snd_pcm_recover(pcm, -EBADFD, 1));
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after that");
}

void RecoverSuspended(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("snd_pcm_recover(-ESTRPIPE)", 0, snd_pcm_recover(pcm, -ESTRPIPE, 1));
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after that");
}

void XrunAgain(const Bench& bench) {
    Pcm pcm{bench, Shape{.period = 480, .periods = 2}};
    for (int i = 0; i < 5; ++i) {
        pcm.RunIntoXrun();
        Prepare(pcm);
    }
}

constexpr auto kEach = Where::kEach;

constexpr Row kRows[] = {
    {"prepare.setup", "prepare while SETUP goes to PREPARED, empty", kEach, Setup},
    {"prepare.prepared", "prepare while PREPARED empties it", kEach, Prepared},
    {"prepare.running", "prepare while RUNNING empties it, or answers -EBUSY", kEach,
     Running},
    {"prepare.draining", "prepare while DRAINING empties it, or answers -EBUSY",
     Where::kPlayback, Draining},
    {"prepare.paused", "prepare while PAUSED goes to PREPARED, empty", kEach, Paused},
    {"prepare.xrun", "prepare while XRUN goes to PREPARED, and it runs again", kEach,
     Xrun},
    {"prepare.often", "prepare may be called again and again", kEach, Twice},
    {"reset.prepared", "reset while PREPARED leaves no delay", kEach, ResetPrepared},
    {"reset.paused", "reset while PAUSED leaves nothing in the buffer", kEach,
     ResetPaused},
    {"reset.running", "reset while RUNNING leaves nothing in the buffer, and it goes on",
     kEach, ResetRunning},
    {"reset.write", "after a reset a whole buffer can be written and played",
     Where::kPlayback, ResetAndWrite},
    {"recover.xrun", "recover(-EPIPE) makes it PREPARED", kEach, RecoverXrun},
    {"recover.other", "recover takes -EINTR, and returns what it cannot help", kEach,
     RecoverOther},
    {"recover.suspended", "recover(-ESTRPIPE) ends PREPARED", kEach, RecoverSuspended},
    {"xrun.again", "five XRUNs and recoveries in a row", kEach, XrunAgain},
};

}  // namespace

std::span<const Row> PrepareRows() {
    return kRows;
}

}  // namespace shmd::conformance
