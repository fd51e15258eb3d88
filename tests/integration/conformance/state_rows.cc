// What each call answers in each state.

#include "pcm.h"

namespace shmd::conformance {

namespace {

using Call = long (*)(Pcm&);

long Drop(Pcm& pcm) {
    return snd_pcm_drop(pcm);
}
long Start(Pcm& pcm) {
    return snd_pcm_start(pcm);
}
long MovePeriod(Pcm& pcm) {
    return pcm.Move(pcm.Period());
}
long Avail(Pcm& pcm) {
    return snd_pcm_avail(pcm);
}
long AvailUpdate(Pcm& pcm) {
    return snd_pcm_avail_update(pcm);
}
long HwSync(Pcm& pcm) {
    return snd_pcm_hwsync(pcm);
}
long Rewind(Pcm& pcm) {
    return snd_pcm_rewind(pcm, 16);
}
long Forward(Pcm& pcm) {
    return snd_pcm_forward(pcm, 16);
}
long Rewindable(Pcm& pcm) {
    return snd_pcm_rewindable(pcm);
}
long Forwardable(Pcm& pcm) {
    return snd_pcm_forwardable(pcm);
}
long Wait(Pcm& pcm) {
    return snd_pcm_wait(pcm, 10000);
}
long Pause(Pcm& pcm) {
    return snd_pcm_pause(pcm, 1);
}
long Prepare(Pcm& pcm) {
    return snd_pcm_prepare(pcm);
}
long Drain(Pcm& pcm) {
    return snd_pcm_drain(pcm);
}
long Reset(Pcm& pcm) {
    return snd_pcm_reset(pcm);
}
long Resume(Pcm& pcm) {
    return snd_pcm_resume(pcm);
}
long Delay(Pcm& pcm) {
    snd_pcm_sframes_t delay = 0;
    return snd_pcm_delay(pcm, &delay);
}

void GoTo(Pcm& pcm, snd_pcm_state_t state) {
    switch (state) {
        case SND_PCM_STATE_SETUP:
            Answers("drop", 0, snd_pcm_drop(pcm));
            break;
        case SND_PCM_STATE_RUNNING:
            pcm.Run();
            break;
        case SND_PCM_STATE_XRUN:
            pcm.RunIntoXrun();
            break;
        case SND_PCM_STATE_DRAINING:
            pcm.RunIntoDraining(pcm.Buffer());
            break;
        case SND_PCM_STATE_PAUSED:
            pcm.RequirePause();
            pcm.Run();
            pcm.Pause();
            break;
        default:
            break;
    }
    pcm.ExpectState(state, "to begin with");
}

constexpr unsigned PeriodsFor(snd_pcm_state_t state) {
    return state == SND_PCM_STATE_XRUN ? 4 : 16;  // who wants an XRUN wants it soon
}

/** From `from`, the call answers one of two, and then the state is `to`. */
template <snd_pcm_state_t from, Call call, int answer, snd_pcm_state_t to,
          int other = answer>
void Asked(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = PeriodsFor(from)}};
    GoTo(pcm, from);
    const long seen = call(pcm);
    Answers(std::string{"the call while "} + snd_pcm_state_name(from), {answer, other},
            seen);
    pcm.ExpectState(to, "after that");
    if (answer != other) PassWith("answers " + Words(seen));
}

const char* WhoAnswers(Call call) {
    if (call == Rewind) return "snd_pcm_ioplug_rewind";
    if (call == Forward) return "snd_pcm_ioplug_forward";
    if (call == Resume) return "snd_pcm_ioplug_resume";
    return "snd_pcm_ioplug_hwsync";
}

/**
 * From `from`, the call answers `answer`. ioplug does not ask the plugin, nor look at the
 * state itself: it answers a number or 0.
 */
template <snd_pcm_state_t from, Call call, int answer, int other = answer>
void AskedPastIoplug(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = PeriodsFor(from)}};
    GoTo(pcm, from);
    const long seen = call(pcm);
    if (pcm.IsIoplug() && seen >= 0)
        Refuse(seen, std::string{WhoAnswers(call)} + " in alsa-lib asks for no state");
    Answers(std::string{"the call while "} + snd_pcm_state_name(from), {answer, other},
            seen);
    pcm.ExpectState(from, "after that");
}

template <Call call>
void AskedOpen(const Bench& bench) {
    Pcm pcm{bench};
    Answers("the call while OPEN", {-EIO, -EBADFD}, call(pcm));
    pcm.ExpectState(SND_PCM_STATE_OPEN, "after that");
}

void StatusOpen(const Bench& bench) {
    Pcm pcm{bench};
    const Status status;
    Answers("snd_pcm_status while OPEN", 0, snd_pcm_status(pcm, status));
    Answers("status.state", SND_PCM_STATE_OPEN, snd_pcm_status_get_state(status));
}

/** It is not looked at by alsa-lib, and may be any number; what matters is that it ends.
 */
void AvailUpdateOpen(const Bench& bench) {
    Pcm pcm{bench};
    PassWith("answers " + Words(AvailUpdate(pcm)));
}

template <snd_pcm_state_t state>
void StatusState(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = PeriodsFor(state)}};
    GoTo(pcm, state);
    const Status status;
    Answers("snd_pcm_status", 0, snd_pcm_status(pcm, status));
    Answers("status.state", state, snd_pcm_status_get_state(status));
}

void StartEmpty(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    Answers("snd_pcm_start with nothing written", -EPIPE, snd_pcm_start(pcm));
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after that");
}

void StartEmptyForEver(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}, {.stop = kBoundary}};
    pcm.Start();
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after snd_pcm_start");
}

void ZeroFrames(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.start = 1}};
    Answers("0 frames", 0, pcm.Move(0));
    if (pcm.IsPlayback()) pcm.ExpectState(SND_PCM_STATE_PREPARED, "after a write of 0");
}

void StartAgain(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    for (int i = 0; i < 3; ++i) {
        pcm.Run();
        Answers("drop", 0, snd_pcm_drop(pcm));
        Answers("prepare", 0, snd_pcm_prepare(pcm));
        Answers("avail after prepare", pcm.IsPlayback() ? pcm.Buffer() : 0, pcm.Avail());
    }
}

constexpr auto kEach = Where::kEach;
constexpr auto kPlayback = Where::kPlayback;
constexpr auto kSetup = SND_PCM_STATE_SETUP;
constexpr auto kPrepared = SND_PCM_STATE_PREPARED;
constexpr auto kRunning = SND_PCM_STATE_RUNNING;
constexpr auto kXrun = SND_PCM_STATE_XRUN;
constexpr auto kDraining = SND_PCM_STATE_DRAINING;
constexpr auto kPaused = SND_PCM_STATE_PAUSED;

constexpr Row kRows[] = {
    {"move.open", "a write or read while OPEN is an error", kEach, AskedOpen<MovePeriod>},
    {"move.setup", "a write or read while SETUP answers -EBADFD", kEach,
     Asked<kSetup, MovePeriod, -EBADFD, kSetup>},
    {"move.xrun", "a write or read while XRUN answers -EPIPE", kEach,
     Asked<kXrun, MovePeriod, -EPIPE, kXrun>},
    {"move.draining", "a write while DRAINING answers -EBADFD", kPlayback,
     Asked<kDraining, MovePeriod, -EBADFD, kDraining>},
    {"move.zero", "a write or read of 0 frames answers 0", kEach, ZeroFrames},
    {"start.open", "start while OPEN is an error", kEach, AskedOpen<Start>},
    {"start.setup", "start while SETUP answers -EBADFD", kEach,
     Asked<kSetup, Start, -EBADFD, kSetup>},
    {"start.running", "start while RUNNING answers -EBADFD", kEach,
     Asked<kRunning, Start, -EBADFD, kRunning>},
    {"start.paused", "start while PAUSED answers -EBADFD", kEach,
     Asked<kPaused, Start, -EBADFD, kPaused>},
    {"start.xrun", "start while XRUN answers -EBADFD or -EPIPE", kEach,
     Asked<kXrun, Start, -EBADFD, kXrun, -EPIPE>},
    {"start.draining", "start while DRAINING answers -EBADFD", kPlayback,
     Asked<kDraining, Start, -EBADFD, kDraining>},
    {"start.empty", "start with nothing written answers -EPIPE", kPlayback, StartEmpty},
    {"start.empty_no_stop", "it does start empty if stop_threshold is the boundary",
     kPlayback, StartEmptyForEver},
    {"start.again", "it can be started, dropped and prepared again and again", kEach,
     StartAgain},
    {"drop.open", "drop while OPEN is an error", kEach, AskedOpen<Drop>},
    {"drop.setup", "drop while SETUP answers 0", kEach, Asked<kSetup, Drop, 0, kSetup>},
    {"drop.prepared", "drop while PREPARED goes to SETUP", kEach,
     Asked<kPrepared, Drop, 0, kSetup>},
    {"drop.running", "drop while RUNNING goes to SETUP", kEach,
     Asked<kRunning, Drop, 0, kSetup>},
    {"drop.paused", "drop while PAUSED goes to SETUP", kEach,
     Asked<kPaused, Drop, 0, kSetup>},
    {"drop.xrun", "drop while XRUN goes to SETUP", kEach, Asked<kXrun, Drop, 0, kSetup>},
    {"drop.draining", "drop while DRAINING goes to SETUP", kPlayback,
     Asked<kDraining, Drop, 0, kSetup>},
    {"avail.open", "avail while OPEN is an error", kEach, AskedOpen<Avail>},
    {"avail.setup", "avail while SETUP answers -EBADFD", kEach,
     AskedPastIoplug<kSetup, Avail, -EBADFD>},
    {"avail.xrun", "avail while XRUN answers -EPIPE", kEach,
     Asked<kXrun, Avail, -EPIPE, kXrun>},
    {"avail_update.open", "avail_update while OPEN does no harm", kEach, AvailUpdateOpen},
    {"avail_update.xrun", "avail_update while XRUN answers -EPIPE", kEach,
     Asked<kXrun, AvailUpdate, -EPIPE, kXrun>},
    {"delay.open", "delay while OPEN is an error", kEach, AskedOpen<Delay>},
    {"delay.setup", "delay while SETUP answers -EBADFD", kEach,
     Asked<kSetup, Delay, -EBADFD, kSetup>},
    {"delay.xrun", "delay while XRUN answers -EPIPE", kEach,
     Asked<kXrun, Delay, -EPIPE, kXrun>},
    {"hwsync.open", "hwsync while OPEN is an error", kEach, AskedOpen<HwSync>},
    {"hwsync.setup", "hwsync while SETUP answers -EBADFD", kEach,
     AskedPastIoplug<kSetup, HwSync, -EBADFD>},
    {"hwsync.prepared", "hwsync while PREPARED answers 0", kEach,
     Asked<kPrepared, HwSync, 0, kPrepared>},
    {"hwsync.running", "hwsync while RUNNING answers 0", kEach,
     Asked<kRunning, HwSync, 0, kRunning>},
    {"hwsync.paused", "hwsync while PAUSED answers 0", kEach,
     Asked<kPaused, HwSync, 0, kPaused>},
    {"hwsync.xrun", "hwsync while XRUN answers -EPIPE", kEach,
     AskedPastIoplug<kXrun, HwSync, -EPIPE>},
    {"rewind.setup", "rewind while SETUP answers -EBADFD", kEach,
     Asked<kSetup, Rewind, -EBADFD, kSetup>},
    {"rewind.xrun", "rewind while XRUN answers -EPIPE", kEach,
     AskedPastIoplug<kXrun, Rewind, -EPIPE>},
    {"forward.setup", "forward while SETUP answers -EBADFD", kEach,
     Asked<kSetup, Forward, -EBADFD, kSetup>},
    {"forward.xrun", "forward while XRUN answers -EPIPE", kEach,
     AskedPastIoplug<kXrun, Forward, -EPIPE>},
    {"rewindable.open", "rewindable while OPEN is an error", kEach,
     AskedOpen<Rewindable>},
    {"forwardable.open", "forwardable while OPEN is an error", kEach,
     AskedOpen<Forwardable>},
    {"wait.xrun", "wait while XRUN answers -EPIPE", kEach,
     Asked<kXrun, Wait, -EPIPE, kXrun>},
    {"pause.open", "pause while OPEN is an error", kEach, AskedOpen<Pause>},
    {"pause.setup", "pause while SETUP answers -EBADFD", kEach,
     Asked<kSetup, Pause, -EBADFD, kSetup, -ENOSYS>},
    {"pause.prepared", "pause while PREPARED answers -EBADFD", kEach,
     Asked<kPrepared, Pause, -EBADFD, kPrepared, -ENOSYS>},
    {"pause.xrun", "pause while XRUN answers -EBADFD", kEach,
     Asked<kXrun, Pause, -EBADFD, kXrun, -ENOSYS>},
    {"pause.draining", "pause while DRAINING answers -EBADFD", kPlayback,
     Asked<kDraining, Pause, -EBADFD, kDraining, -ENOSYS>},
    {"prepare.open", "prepare while OPEN is an error", kEach, AskedOpen<Prepare>},
    {"drain.open", "drain while OPEN is an error", kEach, AskedOpen<Drain>},
    {"drain.setup", "drain while SETUP answers 0", kEach,
     Asked<kSetup, Drain, 0, kSetup>},
    {"drain.empty", "drain of an empty PREPARED stream goes to SETUP", kPlayback,
     Asked<kPrepared, Drain, 0, kSetup>},
    {"drain.xrun", "drain while XRUN goes to SETUP", kPlayback,
     Asked<kXrun, Drain, 0, kSetup>},
    {"reset.open", "reset while OPEN is an error", kEach, AskedOpen<Reset>},
    {"resume.open", "resume while OPEN is an error", kEach, AskedOpen<Resume>},
    {"resume.prepared", "resume of what is not suspended is an error", kEach,
     AskedPastIoplug<kPrepared, Resume, -EBADFD, -ENOSYS>},
    {"resume.running", "resume of what is not suspended is an error", kEach,
     AskedPastIoplug<kRunning, Resume, -EBADFD, -ENOSYS>},
    {"status.open", "status while OPEN says OPEN", kEach, StatusOpen},
    {"status.setup", "status says SETUP", kEach, StatusState<kSetup>},
    {"status.prepared", "status says PREPARED", kEach, StatusState<kPrepared>},
    {"status.running", "status says RUNNING", kEach, StatusState<kRunning>},
    {"status.xrun", "status says XRUN", kEach, StatusState<kXrun>},
    {"status.draining", "status says DRAINING", kPlayback, StatusState<kDraining>},
    {"status.paused", "status says PAUSED", kEach, StatusState<kPaused>},
};

}  // namespace

std::span<const Row> StateRows() {
    return kRows;
}

}  // namespace shmd::conformance
