// Waits that are ended by somebody else: a signal, snd_pcm_abort, another thread.

#include "pcm.h"

#include <pthread.h>
#include <signal.h>
#include <atomic>
#include <thread>

namespace shmd::conformance {

namespace {

std::atomic<snd_pcm_t*> g_to_abort{nullptr};

void OnSignal(int) {
    if (snd_pcm_t* const pcm = g_to_abort.load(); pcm != nullptr) snd_pcm_abort(pcm);
}

/** A handler that does not restart what it interrupts. */
void HandleSignal() {
    struct sigaction action {};
    action.sa_handler = OnSignal;
    ::sigaction(SIGUSR1, &action, nullptr);
}

/** Signals the thread that made it, again and again, until it goes. */
class Nagger {
  public:
    Nagger() : nagged_{::pthread_self()}, thread_{[this] { Nag(); }} {}
    ~Nagger() {
        done_ = true;
        thread_.join();
    }

  private:
    void Nag() {
        const timespec pause{.tv_sec = 0, .tv_nsec = 10'000'000};
        while (!done_) {
            ::nanosleep(&pause, nullptr);
            ::pthread_kill(nagged_, SIGUSR1);
        }
    }

    std::atomic<bool> done_{false};
    pthread_t nagged_;
    std::thread thread_;
};

/** Playback with seconds to play, which no test waits for. */
struct LongPlay {
    explicit LongPlay(const Bench& bench)
        : pcm{bench, Shape{.channels = 1, .rate = 8000, .period = 1000, .periods = 40}} {
        if (pcm.Buffer() < 2 * static_cast<long>(pcm.Rate()))
            Skip("the buffer is too short to be caught while it drains: " +
                 Words(pcm.Buffer()));
        pcm.WriteAll(pcm.Buffer());
        pcm.Start();
        began = Seconds();
    }

    /** Without having played all of it. */
    void ExpectEarly() const {
        const double all = static_cast<double>(pcm.Buffer()) / pcm.Rate();
        Expect(Seconds() - began < all, "an end before all is played");
    }

    Pcm pcm;
    double began = 0;
};

void DrainAborted(const Bench& bench) {
    LongPlay play{bench};
    HandleSignal();
    g_to_abort = play.pcm;
    int answer = 0;
    {
        const Nagger nagger;
        answer = snd_pcm_drain(play.pcm);
    }
    Answers("snd_pcm_drain, aborted", -EINTR, answer);
    play.ExpectEarly();
}

void DrainAfterAbort(const Bench& bench) {
    LongPlay play{bench};
    HandleSignal();
    g_to_abort = play.pcm;
    {
        const Nagger nagger;
        snd_pcm_drain(play.pcm);
    }
    Answers("drop", 0, snd_pcm_drop(play.pcm));
    play.pcm.ExpectState(SND_PCM_STATE_SETUP, "after drop");
    Answers("close", 0, play.pcm.Close());
    play.ExpectEarly();
}

void DrainInterrupted(const Bench& bench) {
    Pcm pcm{bench, Shape{}};
    pcm.WriteAll(8 * pcm.Period());
    pcm.Start();
    HandleSignal();
    int answer = 0;
    {
        const Nagger nagger;
        answer = snd_pcm_drain(pcm);
    }
    Answers("snd_pcm_drain, interrupted", {0, -EINTR}, answer);
    pcm.ExpectState(answer == 0 ? SND_PCM_STATE_SETUP : SND_PCM_STATE_DRAINING,
                    "after " + Words(answer));
    PassWith("answers " + Words(answer));
}

/** In another thread, when the state is as given. */
std::thread DropWhen(const Pcm& pcm, snd_pcm_state_t state) {
    return std::thread{[&pcm, state] {
        const timespec pause{.tv_sec = 0, .tv_nsec = 20'000'000};
        while (pcm.State() != state)
            ::nanosleep(&pause, nullptr);
        ::nanosleep(&pause, nullptr);
        snd_pcm_drop(pcm);
    }};
}

void DrainDropped(const Bench& bench) {
    LongPlay play{bench};
    std::thread dropper = DropWhen(play.pcm, SND_PCM_STATE_DRAINING);
    const int answer = snd_pcm_drain(play.pcm);
    dropper.join();
    play.ExpectEarly();
    play.pcm.ExpectState(SND_PCM_STATE_SETUP, "after the drop");
    PassWith("the drain answers " + Words(answer));
}

void MoveDropped(const Bench& bench) {
    Pcm pcm{bench, Shape{.channels = 1, .rate = 8000, .period = 1000, .periods = 40}};
    pcm.Run();
    std::thread dropper = DropWhen(pcm, SND_PCM_STATE_RUNNING);
    const long wanted = 4 * pcm.Buffer();
    const long answer = pcm.Move(wanted);
    dropper.join();
    Expect(answer < wanted, "less than all, or an error; saw " + Words(answer));
    pcm.ExpectState(SND_PCM_STATE_SETUP, "after the drop");
    PassWith(answer < 0 ? "answers " + Words(answer) : "a short count");
}

void MoveAborted(const Bench& bench) {
    Pcm pcm{bench, Shape{.channels = 1, .rate = 8000, .period = 1000, .periods = 40}};
    pcm.Run();
    HandleSignal();
    g_to_abort = pcm;
    const long wanted = 4 * pcm.Buffer();
    long answer = 0;
    {
        const Nagger nagger;
        answer = pcm.Move(wanted);
    }
    Expect(answer < wanted, "less than all, or an error; saw " + Words(answer));
    PassWith(answer < 0 ? "answers " + Words(answer) : "a short count");
}

void WaitAborted(const Bench& bench) {
    Pcm pcm{bench,
            Shape{.channels = 1, .rate = 8000, .period = 1000, .periods = 40},
            {.avail_min = kBuffer}};
    pcm.Run();
    HandleSignal();
    g_to_abort = pcm;
    const Nagger nagger;
    Answers("snd_pcm_wait, aborted", -EINTR, snd_pcm_wait(pcm, 15000));
}

void MoveInterrupted(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.Run();
    HandleSignal();
    const Nagger nagger;
    const long wanted = pcm.Buffer() / 2;
    for (long rest = wanted; rest > 0;) {
        const long answer = pcm.Move(rest);
        if (answer == -EINTR) continue;
        Between("frames, between signals", 1, rest, answer);
        rest -= answer;
    }
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after it all");
}

constexpr auto kEach = Where::kEach;
constexpr auto kPlayback = Where::kPlayback;

constexpr Row kRows[] = {
    {"abort.drain", "snd_pcm_abort ends a blocking drain with -EINTR", kPlayback,
     DrainAborted},
    {"abort.drop", "after an aborted drain, drop and close end at once", kPlayback,
     DrainAfterAbort},
    {"abort.move", "snd_pcm_abort ends a blocking write or read", kEach, MoveAborted},
    {"abort.wait", "snd_pcm_abort ends a wait with -EINTR", kEach, WaitAborted},
    {"signal.drain", "a signal leaves a drain draining, or does not disturb it",
     kPlayback, DrainInterrupted},
    {"signal.move", "a signal costs a write or read no frame", kEach, MoveInterrupted},
    {"drain.dropped", "a drop in another thread ends a blocking drain", kPlayback,
     DrainDropped},
    {"move.dropped", "a drop in another thread ends a blocking write or read", kEach,
     MoveDropped},
};

}  // namespace

std::span<const Row> DrainEndRows() {
    return kRows;
}

}  // namespace shmd::conformance
