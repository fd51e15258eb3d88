// Pause: the position stands still, and goes on from there.

#include "pcm.h"

namespace shmd::conformance {

namespace {

constexpr int kSamples = 20;

/** RUNNING for a period or more, then PAUSED. */
void RunAndPause(Pcm& pcm) {
    pcm.RequirePause();
    pcm.Run();
    WaitUntil("a period has passed", [&] { return pcm.Position() >= pcm.Period(); });
    pcm.Pause();
    pcm.ExpectState(SND_PCM_STATE_PAUSED, "after snd_pcm_pause(1)");
}

void WaitMs(long ms) {
    const timespec time{.tv_sec = 0, .tv_nsec = ms * 1'000'000};
    ::nanosleep(&time, nullptr);
}

void Position(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    RunAndPause(pcm);
    const long at = pcm.Position();
    for (int i = 0; i < kSamples; ++i) {
        WaitMs(2);
        Answers("the position while PAUSED", at, pcm.Position());
    }
    pcm.ExpectState(SND_PCM_STATE_PAUSED, "after a while");
}

void Delay(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    RunAndPause(pcm);
    const long avail = pcm.Avail();
    const long least = pcm.IsPlayback() ? pcm.Buffer() - avail : avail;
    for (int i = 0; i < kSamples; ++i) {
        WaitMs(2);
        Expect(pcm.Delay() >= least, "a delay of at least what is in the buffer, " +
                                         Words(least) + "; saw " + Words(pcm.Delay()));
    }
}

void Release(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    RunAndPause(pcm);
    const long at = pcm.Position();
    Answers("snd_pcm_pause(0)", 0, snd_pcm_pause(pcm, 0));
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after snd_pcm_pause(0)");
    WaitUntil("it goes on", [&] { return pcm.Position() > at; });
}

void Twice(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    RunAndPause(pcm);
    Answers("snd_pcm_pause(1) while PAUSED", -EBADFD, snd_pcm_pause(pcm, 1));
    pcm.ExpectState(SND_PCM_STATE_PAUSED, "after that");
}

void ReleaseRunning(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.RequirePause();
    pcm.Run();
    Answers("snd_pcm_pause(0) while RUNNING", -EBADFD, snd_pcm_pause(pcm, 0));
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after that");
}

void Often(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.RequirePause();
    pcm.Run();
    long last = 0;
    for (int i = 0; i < 30; ++i) {
        pcm.Pause();
        const long at = pcm.Position();
        Expect(at >= last, "no position before " + Words(last) + "; saw " + Words(at));
        last = at;
        Answers("snd_pcm_pause(0)", 0, snd_pcm_pause(pcm, 0));
    }
}

void Write(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    RunAndPause(pcm);
    const long avail = pcm.Avail();
    Answers("snd_pcm_nonblock(1)", 0, snd_pcm_nonblock(pcm, 1));
    pcm.WriteAll(avail);
    Answers("avail, when all was written", 0, pcm.Avail());
    pcm.ExpectState(SND_PCM_STATE_PAUSED, "after the write");
}

void Read(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    RunAndPause(pcm);
    pcm.ReadAll(pcm.Avail());
    Answers("avail, when all was read", 0, pcm.Avail());
    pcm.ExpectState(SND_PCM_STATE_PAUSED, "after the read");
}

void NoXrun(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 8}};
    pcm.RequirePause();
    pcm.Run();
    pcm.Pause();
    WaitMs(10 + 3000 * pcm.Buffer() / pcm.Rate());
    pcm.ExpectState(SND_PCM_STATE_PAUSED, "after three buffers' time");
}

void Info(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.Run();
    const HwParams params;
    snd_pcm_hw_params_current(pcm, params);
    const int can = snd_pcm_hw_params_can_pause(params);
    const int answer = snd_pcm_pause(pcm, 1);
    if (can == 1)
        Answers("pause of a PCM that can", 0, answer);
    else
        Expect(answer < 0, "an error of a PCM that cannot pause");
    PassWith(can == 1 ? "can pause" : "cannot pause: " + Words(answer));
}

void PollFull(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    RunAndPause(pcm);
    pcm.MoveAll(pcm.Avail());
    Answers("revents while PAUSED, with nothing to do", 0, pcm.Poll(50));
}

constexpr auto kEach = Where::kEach;

constexpr Row kRows[] = {
    {"pause.info", "can_pause tells whether pause works", kEach, Info},
    {"pause.position", "the position stands still while PAUSED", kEach, Position},
    {"pause.delay", "the delay is no less than what is in the buffer", kEach, Delay},
    {"pause.release", "pause(0) goes on from there", kEach, Release},
    {"pause.twice", "pause(1) while PAUSED answers -EBADFD", kEach, Twice},
    {"pause.release_running", "pause(0) while RUNNING answers -EBADFD", kEach,
     ReleaseRunning},
    {"pause.often", "pushed and released again and again, it never goes back", kEach,
     Often},
    {"pause.write", "the buffer can be filled while PAUSED", Where::kPlayback, Write},
    {"pause.read", "the buffer can be emptied while PAUSED", Where::kCapture, Read},
    {"pause.no_xrun", "a pause longer than the buffer is no XRUN", kEach, NoXrun},
    {"pause.poll", "poll finds nothing ready while PAUSED and full, or empty", kEach,
     PollFull},
};

}  // namespace

std::span<const Row> PauseRows() {
    return kRows;
}

}  // namespace shmd::conformance
