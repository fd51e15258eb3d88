#pragma once

#include <alsa/asoundlib.h>
#include <span>
#include <string>
#include <vector>

namespace shmd::conformance {

/** The PCM that is asked, and for which direction. */
struct Bench {
    std::string playback_pcm;
    std::string capture_pcm;
    snd_pcm_uframes_t period_frames = 960;  // everything is in periods: longer is slower
    snd_pcm_stream_t direction = SND_PCM_STREAM_PLAYBACK;

    bool IsPlayback() const { return direction == SND_PCM_STREAM_PLAYBACK; }
    const std::string& Pcm(snd_pcm_stream_t of) const {
        return of == SND_PCM_STREAM_PLAYBACK ? playback_pcm : capture_pcm;
    }
};

enum class Where {
    kPlayback,
    kCapture,
    kEach,  // two rows, ID.playback and ID.capture
    kBoth,  // one row, which is about both or about neither
};

/**
 * One rule of ALSA's PCM contract. `test` returns for a pass and throws a Finding else
 * (outcome.h); it is run in a process of its own, and may leave anything open.
 */
struct Row {
    const char* id;
    const char* rule;
    Where where;
    void (*test)(const Bench&);
    bool alone = false;  // takes all that the PCM has
};

std::span<const Row> AccessRows();
std::span<const Row> ParamsRows();
std::span<const Row> SwParamsRows();
std::span<const Row> StateRows();
std::span<const Row> PauseRows();
std::span<const Row> PrepareRows();
std::span<const Row> ModeRows();
std::span<const Row> PollRows();
std::span<const Row> ThresholdRows();
std::span<const Row> DrainRows();
std::span<const Row> DrainEndRows();
std::span<const Row> PositionRows();
std::span<const Row> RewindRows();
std::span<const Row> TimeRows();
std::span<const Row> MmapRows();
std::span<const Row> InfoRows();
std::span<const Row> ProcessRows();
std::span<const Row> NativeRows();
std::span<const Row> SizesRows();

/** A row for one direction, under its full name. */
struct Case {
    std::string id;
    const Row* row;
    snd_pcm_stream_t direction;
};

/** All cases, in the order of the table, whose id contains `part`. */
std::vector<Case> AllCases(const std::string& part);

}  // namespace shmd::conformance
