// mmap_begin and mmap_commit.

#include "pcm.h"

#include <algorithm>
#include <cstring>

namespace shmd::conformance {

namespace {

constexpr auto kInterleaved = SND_PCM_ACCESS_MMAP_INTERLEAVED;
constexpr auto kNoninterleaved = SND_PCM_ACCESS_MMAP_NONINTERLEAVED;
constexpr Shape kShape{.access = kInterleaved};

struct Area {
    const snd_pcm_channel_area_t* areas = nullptr;
    snd_pcm_uframes_t offset = 0;
    snd_pcm_uframes_t frames = 0;
};

Area Begin(const Pcm& pcm, long frames) {
    Area area{.frames = static_cast<snd_pcm_uframes_t>(frames)};
    Answers("mmap_begin", 0,
            snd_pcm_mmap_begin(pcm, &area.areas, &area.offset, &area.frames));
    Expect(area.areas != nullptr && area.areas[0].addr != nullptr, "an area");
    return area;
}

long Commit(const Pcm& pcm, const Area& area, long frames) {
    return snd_pcm_mmap_commit(pcm, area.offset, static_cast<snd_pcm_uframes_t>(frames));
}

void CommitAll(const Pcm& pcm, const Area& area, long frames) {
    Answers("mmap_commit", frames, Commit(pcm, area, frames));
}

void WholeBuffer(const Bench& bench) {
    Pcm pcm{bench, kShape};
    const Area area = Begin(pcm, 2 * pcm.Buffer());
    Answers("the offset", 0, static_cast<long>(area.offset));
    Answers("the frames", pcm.Buffer(), static_cast<long>(area.frames));
    snd_pcm_areas_silence(area.areas, area.offset, 2, area.frames, SND_PCM_FORMAT_S16_LE);
    CommitAll(pcm, area, pcm.Buffer());
    Answers("avail", 0, pcm.Avail());
    Answers("the frames of a full buffer", 0,
            static_cast<long>(Begin(pcm, pcm.Buffer()).frames));
}

void Partial(const Bench& bench) {
    Pcm pcm{bench, kShape};
    const Area area = Begin(pcm, pcm.Period());
    CommitAll(pcm, area, 100);
    Answers("avail", pcm.Buffer() - 100, pcm.Avail());
    const Area next = Begin(pcm, pcm.Buffer());
    Answers("the next offset", 100, static_cast<long>(next.offset));
    Answers("the next frames, up to the ring's end", pcm.Buffer() - 100,
            static_cast<long>(next.frames));
}

void Nothing(const Bench& bench) {
    Pcm pcm{bench, kShape};
    CommitAll(pcm, Begin(pcm, pcm.Period()), 0);
    Answers("avail", pcm.Buffer(), pcm.Avail());
    Answers("the offset", 0, static_cast<long>(Begin(pcm, 1).offset));
}

void TooMuch(const Bench& bench) {
    Pcm pcm{bench, kShape};
    pcm.WriteAll(pcm.Buffer() - 10);
    const Area area = Begin(pcm, 10);
    Answers("a commit of more than avail", -EPIPE, Commit(pcm, area, 20));
}

void WrongOffset(const Bench& bench) {
    Pcm pcm{bench, kShape};
    Area area = Begin(pcm, pcm.Period());
    area.offset += 5;
    Answers("a commit of another offset", -EPIPE, Commit(pcm, area, 10));
}

void NoStart(const Bench& bench) {
    Pcm pcm{bench, kShape, {.start = 1}};
    CommitAll(pcm, Begin(pcm, pcm.Period()), pcm.Period());
    pcm.ExpectState(SND_PCM_STATE_PREPARED, "after a commit");
    pcm.Start();
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after snd_pcm_start");
}

void WriteStarts(const Bench& bench) {
    Pcm pcm{bench, kShape, {.start = kPeriod}};
    pcm.WriteAll(pcm.Period());
    pcm.ExpectState(SND_PCM_STATE_RUNNING, "after mmap_writei of start_threshold");
}

/** Over the end of the ring some times; each begin is cut at it. */
void Wrap(const Bench& bench) {
    Pcm pcm{bench,
            Shape{.access = kInterleaved, .period = 500, .periods = 7},
            {.stop = kBoundary}};
    if (pcm.IsPlayback()) CommitAll(pcm, Begin(pcm, pcm.Buffer()), pcm.Buffer());
    pcm.Start();
    long at = 0;
    for (long moved = 0; moved < 3 * pcm.Buffer();) {
        Answers("snd_pcm_wait", 1, snd_pcm_wait(pcm, 10000));
        // No more than is there, and no more than the ring: it may be behind.
        const long avail = std::min(pcm.Avail(), pcm.Buffer());
        const Area area = Begin(pcm, avail);
        Answers("the offset", at, static_cast<long>(area.offset));
        Answers("the frames", std::min(avail, pcm.Buffer() - at),
                static_cast<long>(area.frames));
        const long taken = std::min(static_cast<long>(area.frames), 333L);
        CommitAll(pcm, area, taken);
        moved += taken;
        at = (at + taken) % pcm.Buffer();
    }
}

void Kept(const Bench& bench) {
    Pcm pcm{bench, kShape};
    const Area area = Begin(pcm, pcm.Period());
    auto* bytes = static_cast<unsigned char*>(area.areas[0].addr);
    std::memset(bytes, 0x11, static_cast<size_t>(4 * pcm.Period()));
    const Area again = Begin(pcm, pcm.Period());
    Expect(again.areas[0].addr == bytes && bytes[7] == 0x11,
           "what was put there before the commit");
}

std::vector<unsigned char> Contents(const Area& area, size_t frames) {
    const auto* bytes =
        static_cast<const unsigned char*>(area.areas[0].addr) + 4 * area.offset;
    return {bytes, bytes + 4 * frames};
}

void ReadTwice(const Bench& bench) {
    Pcm pcm{bench, kShape};
    pcm.Run();
    WaitUntil("a period is there", [&] { return pcm.Avail() >= pcm.Period(); });
    const auto frames = static_cast<size_t>(pcm.Period());
    const auto first = Contents(Begin(pcm, pcm.Period()), frames);
    const Area area = Begin(pcm, pcm.Period());
    Expect(first == Contents(area, frames), "the same frames until they are committed");
    CommitAll(pcm, area, pcm.Period());
}

void ReadParts(const Bench& bench) {
    Pcm pcm{bench, kShape};
    pcm.Run();
    WaitUntil("a period is there", [&] { return pcm.Avail() >= pcm.Period(); });
    const auto all = Contents(Begin(pcm, pcm.Period()), 200);
    CommitAll(pcm, Begin(pcm, 50), 50);
    const auto rest = Contents(Begin(pcm, 150), 150);
    Expect(std::equal(rest.begin(), rest.end(), all.begin() + 4 * 50),
           "the frames after those that were committed");
}

void Areas(const Bench& bench) {
    Pcm pcm{bench, Shape{.access = kInterleaved}};
    const Area area = Begin(pcm, 1);
    Answers("the first bit of channel 1", 16, area.areas[1].first);
    Answers("the step", 32, area.areas[1].step);
    Expect(area.areas[0].addr == area.areas[1].addr, "both channels in one area");
}

void AreasApart(const Bench& bench) {
    Pcm pcm{bench, Shape{.access = kNoninterleaved}};
    const Area area = Begin(pcm, 1);
    Answers("the step", 16, area.areas[1].step);
    CommitAll(pcm, area, pcm.IsPlayback() ? 1 : 0);
}

void WithoutMmap(const Bench& bench) {
    Pcm pcm{bench, Shape{.access = SND_PCM_ACCESS_RW_INTERLEAVED}};
    Area area{.frames = 16};
    const int answer = snd_pcm_mmap_begin(pcm, &area.areas, &area.offset, &area.frames);
    Answers("mmap_begin with RW_INTERLEAVED", -EBADFD, answer);
}

void BeginSetup(const Bench& bench) {
    Pcm pcm{bench, kShape};
    Answers("drop", 0, snd_pcm_drop(pcm));
    Area area{.frames = 16};
    const int answer = snd_pcm_mmap_begin(pcm, &area.areas, &area.offset, &area.frames);
    if (answer == 0 && snd_pcm_type(pcm) == SND_PCM_TYPE_HW)
        PassWith("alsa-lib leaves this check of hw to the kernel, which is not asked");
    Answers("mmap_begin while SETUP", -EBADFD, answer);
}

constexpr auto kEach = Where::kEach;
constexpr auto kPlayback = Where::kPlayback;
constexpr auto kCapture = Where::kCapture;

constexpr Row kRows[] = {
    {"mmap.whole", "an empty buffer is begun whole, and a full one not at all", kPlayback,
     WholeBuffer},
    {"mmap.partial", "a commit of less than was begun moves that much", kPlayback,
     Partial},
    {"mmap.nothing", "a commit of 0 frames moves nothing", kPlayback, Nothing},
    {"mmap.too_much", "a commit of more than avail answers -EPIPE", kPlayback, TooMuch},
    {"mmap.wrong_offset", "a commit of another offset answers -EPIPE", kPlayback,
     WrongOffset},
    {"mmap.no_start", "a commit does not start, whatever start_threshold", kPlayback,
     NoStart},
    {"mmap.write_starts", "mmap_writei starts at start_threshold", kPlayback,
     WriteStarts},
    {"mmap.wrap", "each begin is cut at the end of the ring, over and over", kEach, Wrap},
    {"mmap.kept", "what is written before the commit stays there", kPlayback, Kept},
    {"mmap.read_twice", "what is not committed is there again", kCapture, ReadTwice},
    {"mmap.read_parts", "after a partial commit the rest is next", kCapture, ReadParts},
    {"mmap.areas", "MMAP_INTERLEAVED: one area, channels side by side", kEach, Areas},
    {"mmap.areas_apart", "MMAP_NONINTERLEAVED: each channel by itself", kEach,
     AreasApart},
    {"mmap.rw_access", "mmap_begin with RW_INTERLEAVED answers -EBADFD", kEach,
     WithoutMmap},
    {"mmap.setup", "mmap_begin while SETUP answers -EBADFD", kEach, BeginSetup},
};

}  // namespace

std::span<const Row> MmapRows() {
    return kRows;
}

}  // namespace shmd::conformance
