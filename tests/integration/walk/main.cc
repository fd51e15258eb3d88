// Random walks through a PCM's parameters: is what was answered what is set, and is taken
// what is legal? It asks by alsa-lib's public calls alone.
//
//     walk PCM REFERENCE playback|capture whole|tame|rounded WALKS SEED
//
// The kinds are those of walker.h; `whole` tries plain combinations too.

#include "walker.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using shmd::walk::Kind;
using shmd::walk::Walker;

constexpr unsigned kMostTold = 20;
constexpr uint32_t kWritesEvery = 16;

unsigned g_wrong = 0;

const Kind* FindKind(const char* word) {
    constexpr const char* kWords[] = {"whole", "tame", "rounded"};
    static constexpr Kind kKinds[] = {Kind::kWhole, Kind::kTame, Kind::kRounded};
    for (size_t i = 0; i < std::size(kWords); ++i)
        if (std::strcmp(word, kWords[i]) == 0) return &kKinds[i];
    return nullptr;
}

void Tell(const std::string& wrong, const std::string& where) {
    if (wrong.empty()) return;
    if (++g_wrong <= kMostTold)
        std::printf("WRONG: %s: %s\n", where.c_str(), wrong.c_str());
}

/** alsa-lib says what it refuses, which is no news here. */
void TellNothing(const char*, int, const char*, int, const char*, ...) {}

snd_pcm_t* Open(const char* name, snd_pcm_stream_t direction) {
    snd_pcm_t* pcm = nullptr;
    const int error = snd_pcm_open(&pcm, name, direction, SND_PCM_NONBLOCK);
    if (error >= 0) return pcm;
    std::fprintf(stderr, "walk: %s: %s\n", name, snd_strerror(error));
    std::exit(77);
}

/** Each format, with channels and rates, and with and without sizes. */
void Combine(Walker& walker) {
    for (const snd_pcm_format_t format :
         {SND_PCM_FORMAT_S16_LE, SND_PCM_FORMAT_S24_3LE, SND_PCM_FORMAT_S32_LE})
        for (const unsigned channels : {1U, 2U, 3U, 5U, 6U, 8U, 31U})
            for (const unsigned rate : {8000U, 11025U, 22050U, 44100U, 48000U})
                for (const unsigned period_us : {0U, 5000U, 10000U})
                    for (const snd_pcm_uframes_t buffer : {0U, 1U, 48000U})
                        Tell(walker.Combine(format, channels, rate, period_us, buffer),
                             "a combination");
}

}  // namespace

int main(int argc, char** argv) {
    const Kind* kind = argc == 7 ? FindKind(argv[4]) : nullptr;
    if (kind == nullptr) {
        std::fprintf(stderr,
                     "usage: walk PCM REFERENCE playback|capture "
                     "whole|tame|rounded WALKS SEED\n");
        return 2;
    }
    const auto direction = std::strcmp(argv[3], "capture") == 0 ? SND_PCM_STREAM_CAPTURE
                                                                : SND_PCM_STREAM_PLAYBACK;
    const auto walks = static_cast<uint32_t>(std::strtoul(argv[5], nullptr, 10));
    const auto seed = static_cast<uint32_t>(std::strtoul(argv[6], nullptr, 10));
    snd_lib_error_set_handler(&TellNothing);
    snd_pcm_t* const pcm = Open(argv[1], direction);
    snd_pcm_t* const reference = Open(argv[2], direction);
    {
        Walker walker{pcm, reference, *kind};
        if (*kind == Kind::kWhole) Combine(walker);
        for (uint32_t i = 0; i < walks; ++i)
            Tell(walker.Walk(seed + i, i % kWritesEvery == 0),
                 "seed " + std::to_string(seed + i));
    }
    std::printf("%u walks, %u wrong\n", walks, g_wrong);
    std::fflush(nullptr);
    // Not closed: the meter plugin's thread may miss that it is to end, and is waited for
    // then (alsa-lib 1.2.8, pcm_meter.c: `closed` is read outside of the mutex).
    std::_Exit(g_wrong == 0 ? 0 : 1);
}
