// Blocking and nonblocking writes and reads, and the change between them.

#include "pcm.h"

#include <algorithm>

namespace shmd::conformance {

namespace {

void Blocking(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 4}, {.start = kBuffer}};
    if (!pcm.IsPlayback()) pcm.Start();
    const long frames = 2 * pcm.Buffer() + 123;
    const long seen = pcm.Move(frames);
    // Who was late has an XRUN, and the answer is short then.
    if (seen < frames && pcm.State() == SND_PCM_STATE_XRUN && seen > pcm.Buffer())
        PassWith("an XRUN after " + Words(seen));
    Answers("more than two buffers at once", frames, seen);
}

void BlockingOften(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.start = kBuffer, .stop = kBoundary}};
    if (!pcm.IsPlayback()) pcm.Start();
    for (const long frames : {1L, 17L, 333L, 960L, 5000L, 16000L})
        pcm.MoveAll(frames);
}

/** Move until the PCM has no more to move; what it answers then. */
long UntilItAnswers(Pcm& pcm) {
    long seen = 0;
    for (int i = 0; i < 1000; ++i)
        if ((seen = pcm.Move(pcm.Period())) <= 0) return seen;
    Fail("1000 periods moved without waiting");
}

void NonblockFull(const Bench& bench) {
    Pcm pcm{bench, SND_PCM_NONBLOCK};
    pcm.Set({});
    pcm.Run();
    Answers("a write or read with nothing to move", -EAGAIN, UntilItAnswers(pcm));
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after that");
}

void NonblockPrepared(const Bench& bench) {
    Pcm pcm{bench, SND_PCM_NONBLOCK};
    pcm.Set({});
    pcm.WriteAll(pcm.Buffer());
    const long seen = pcm.Write(16);
    if (seen == 0 && pcm.IsIoplug())
        Refuse(0, "snd_pcm_write_areas in alsa-lib answers 0 while PREPARED and full");
    Answers("a write to a full PREPARED stream", -EAGAIN, seen);
}

void NonblockPart(const Bench& bench) {
    Pcm pcm{bench, SND_PCM_NONBLOCK};
    pcm.Set({});
    Answers("a write of more than the buffer", pcm.Buffer(),
            pcm.Write(pcm.Buffer() + pcm.Period()));
}

void NonblockRead(const Bench& bench) {
    Pcm pcm{bench, SND_PCM_NONBLOCK};
    pcm.Set({}, {.start = 1});
    // Some frames may have come while it was asked.
    const long seen = pcm.Read(pcm.Period());
    if (seen != -EAGAIN) Between("the first read", 1, pcm.Period() - 1, seen);
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after that");
    WaitUntil("a period is there", [&] { return pcm.Avail() >= pcm.Period(); });
    pcm.ReadAll(pcm.Period());
}

/** Of more than fits a blocking call moves all, a nonblocking one less. */
void Switch(const Bench& bench) {
    Pcm pcm{bench, Shape{.periods = 8}, {.stop = kBoundary}};
    pcm.Run();
    const long much = pcm.Buffer() + pcm.Period();
    for (int i = 0; i < 3; ++i) {
        Answers("snd_pcm_nonblock(1)", 0, snd_pcm_nonblock(pcm, 1));
        const long seen = pcm.Move(much);
        if (seen == much && pcm.IsHw())
            Refuse(seen, "Linux keeps the mode of open(2) for reads and writes");
        Expect(seen < much, "nonblocking: less than all; saw " + Words(seen));
        Answers("snd_pcm_nonblock(0)", 0, snd_pcm_nonblock(pcm, 0));
        pcm.MoveAll(much);
    }
}

void WaitAndMove(const Bench& bench) {
    Pcm pcm{bench, SND_PCM_NONBLOCK};
    pcm.Set({}, {.stop = kBoundary});
    pcm.Run();
    while (pcm.Moved() < 2 * pcm.Buffer()) {
        const long seen = pcm.Move(pcm.Period());
        if (seen == -EAGAIN)
            Answers("snd_pcm_wait", 1, snd_pcm_wait(pcm, 10000));
        else
            Expect(seen > 0, "frames or -EAGAIN; saw " + Words(seen));
    }
}

void PollAndMove(const Bench& bench) {
    Pcm pcm{bench, SND_PCM_NONBLOCK};
    pcm.Set({}, {.stop = kBoundary});
    pcm.Run();
    while (pcm.Moved() < 2 * pcm.Buffer()) {
        Answers("revents", pcm.Ready(), pcm.Poll(10000));
        const long avail = pcm.Avail();
        Expect(avail >= pcm.Period(), "avail_min frames; saw " + Words(avail));
        pcm.MoveAll(std::min(avail, pcm.Buffer()));
    }
}

void AvailUpdateAndMove(const Bench& bench) {
    Pcm pcm{bench, Shape{}, {.stop = kBoundary}};
    pcm.Run();
    while (pcm.Moved() < 2 * pcm.Buffer()) {
        const long avail = Succeeds("snd_pcm_avail_update", snd_pcm_avail_update(pcm));
        if (avail < pcm.Period())
            Answers("snd_pcm_wait", 1, snd_pcm_wait(pcm, 10000));
        else
            pcm.MoveAll(pcm.Period());
    }
}

void OddChunks(const Bench& bench) {
    Pcm pcm{bench, Shape{.period = 441, .periods = 40}, {.start = 1, .stop = kBoundary}};
    for (long chunk = 1; pcm.Moved() < 2 * pcm.Buffer(); chunk = chunk * 3 % 1009)
        pcm.MoveAll(chunk);
}

void OpenNonblock(const Bench& bench) {
    Pcm pcm{bench, SND_PCM_NONBLOCK};
    pcm.Set({.periods = 8}, {.start = 1, .stop = kBoundary});
    Answers("snd_pcm_nonblock(0)", 0, snd_pcm_nonblock(pcm, 0));
    const long much = pcm.Buffer() + pcm.Period();
    const long seen = pcm.Move(much);
    if (seen < much && pcm.IsHw())
        Refuse(seen, "Linux keeps the mode of open(2) for reads and writes");
    Answers("a blocking call", much, seen);
}

constexpr auto kEach = Where::kEach;

constexpr Row kRows[] = {
    {"block.long", "a blocking call moves more than two buffers at once", kEach,
     Blocking},
    {"block.sizes", "blocking calls move every frame, whatever the size", kEach,
     BlockingOften},
    {"block.odd_chunks", "odd chunks, over and over the end of the ring", kEach,
     OddChunks},
    {"nonblock.running", "-EAGAIN while RUNNING and full, or empty", kEach, NonblockFull},
    {"nonblock.prepared", "-EAGAIN while PREPARED and full", Where::kPlayback,
     NonblockPrepared},
    {"nonblock.part", "a nonblocking write takes what fits", Where::kPlayback,
     NonblockPart},
    {"nonblock.read", "the first nonblocking read starts it, and does not wait",
     Where::kCapture, NonblockRead},
    {"nonblock.switch", "snd_pcm_nonblock changes the mode of a RUNNING stream", kEach,
     Switch},
    {"nonblock.open", "opened nonblocking, it can be made blocking", kEach, OpenNonblock},
    {"mix.wait", "nonblocking, with snd_pcm_wait after -EAGAIN", kEach, WaitAndMove},
    {"mix.poll", "nonblocking, driven by poll and revents", kEach, PollAndMove},
    {"mix.avail_update", "blocking, with avail_update and snd_pcm_wait", kEach,
     AvailUpdateAndMove},
};

}  // namespace

std::span<const Row> ModeRows() {
    return kRows;
}

}  // namespace shmd::conformance
