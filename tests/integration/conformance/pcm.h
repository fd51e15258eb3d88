#pragma once

#include "outcome.h"
#include "row.h"

#include <alsa/asoundlib.h>
#include <climits>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace shmd::conformance {

/** What a stream is to be; sizes are taken as near as the PCM has them. */
struct Shape {
    snd_pcm_access_t access = SND_PCM_ACCESS_RW_INTERLEAVED;
    snd_pcm_format_t format = SND_PCM_FORMAT_S16_LE;
    unsigned channels = 2;
    unsigned rate = 48000;
    snd_pcm_uframes_t period = 0;  // 0: the bench's
    unsigned periods = 16;
};

/** Thresholds in frames, or one of these, known when the sizes are. */
constexpr snd_pcm_uframes_t kBoundary = ULONG_MAX;
constexpr snd_pcm_uframes_t kBuffer = ULONG_MAX - 1;
constexpr snd_pcm_uframes_t kPeriod = ULONG_MAX - 2;

struct Thresholds {
    snd_pcm_uframes_t start = kBoundary;
    snd_pcm_uframes_t stop = kBuffer;
    snd_pcm_uframes_t avail_min = kPeriod;
};

/** alsa-lib's containers, freed at the end. */
struct HwParams {
    HwParams() { snd_pcm_hw_params_malloc(&value); }
    ~HwParams() { snd_pcm_hw_params_free(value); }
    HwParams(const HwParams&) = delete;
    HwParams& operator=(const HwParams&) = delete;
    operator snd_pcm_hw_params_t*() const { return value; }
    snd_pcm_hw_params_t* value = nullptr;
};
struct SwParams {
    SwParams() { snd_pcm_sw_params_malloc(&value); }
    ~SwParams() { snd_pcm_sw_params_free(value); }
    SwParams(const SwParams&) = delete;
    SwParams& operator=(const SwParams&) = delete;
    operator snd_pcm_sw_params_t*() const { return value; }
    snd_pcm_sw_params_t* value = nullptr;
};
struct Status {
    Status() { snd_pcm_status_malloc(&value); }
    ~Status() { snd_pcm_status_free(value); }
    Status(const Status&) = delete;
    Status& operator=(const Status&) = delete;
    operator snd_pcm_status_t*() const { return value; }
    snd_pcm_status_t* value = nullptr;
};

/**
 * An open PCM, with the sizes it has, and the count of frames moved through it. What is
 * said to succeed ends the row else, as a failure.
 */
class Pcm {
  public:
    /** Opened, without parameters. */
    explicit Pcm(const Bench& bench, int mode = 0);
    Pcm(const Bench& bench, snd_pcm_stream_t direction, int mode);
    /** Opened, with parameters, PREPARED. */
    Pcm(const Bench& bench, const Shape& shape, const Thresholds& thresholds = {});
    ~Pcm();
    Pcm(const Pcm&) = delete;
    Pcm& operator=(const Pcm&) = delete;

    operator snd_pcm_t*() const { return pcm_; }
    int Close();

    /** Skips the row if the PCM has not the access, format, channels or rate. */
    void Set(const Shape& shape, const Thresholds& thresholds = {});
    void SetThresholds(const Thresholds& thresholds);

    bool IsPlayback() const { return direction_ == SND_PCM_STREAM_PLAYBACK; }
    /** Both have limits of their own, which are not the PCM's fault. */
    bool IsIoplug() const { return snd_pcm_type(pcm_) == SND_PCM_TYPE_IOPLUG; }
    bool IsHw() const { return snd_pcm_type(pcm_) == SND_PCM_TYPE_HW; }
    long Period() const { return static_cast<long>(period_); }
    long Buffer() const { return static_cast<long>(buffer_); }
    unsigned Rate() const { return shape_.rate; }
    snd_pcm_uframes_t Boundary() const { return boundary_; }
    snd_pcm_state_t State() const { return snd_pcm_state(pcm_); }
    short Ready() const;  // POLLOUT or POLLIN

    /** snd_pcm_writei and readi, or the like for the access; the answer is theirs. */
    long Write(long frames);
    long Read(long frames);
    /** By the PCM's direction. */
    long Move(long frames) { return IsPlayback() ? Write(frames) : Read(frames); }

    /** All frames, or the row fails. */
    void WriteAll(long frames);
    void ReadAll(long frames);
    void MoveAll(long frames) { IsPlayback() ? WriteAll(frames) : ReadAll(frames); }
    void Start() { Answers("snd_pcm_start", 0, snd_pcm_start(pcm_)); }

    /** RUNNING, playback with a whole buffer. */
    void Run();
    /** XRUN: from PREPARED. */
    void RunIntoXrun();
    /** DRAINING, with `frames` to go: from PREPARED, playback; it is nonblocking then. */
    void RunIntoDraining(long frames);
    void Pause() { Answers("snd_pcm_pause(1)", 0, snd_pcm_pause(pcm_, 1)); }
    /** Skips the row if the PCM cannot. */
    void RequirePause() const;

    void ExpectState(snd_pcm_state_t state, const std::string& when) const;
    long Avail() const { return Succeeds("snd_pcm_avail", snd_pcm_avail(pcm_)); }
    long Delay() const;
    /** Frames that the PCM has played, or recorded, since it was prepared. */
    long Position() const;
    long Moved() const { return moved_; }
    void ForgetMoved() { moved_ = 0; }

    /** The samples of the last Read, interleaved accesses alone. */
    const std::vector<unsigned char>& Data() const { return data_; }
    size_t FrameBytes() const;

    /** Poll with the PCM's own descriptors: revents, 0 if the time is up. */
    unsigned short Poll(int timeout_ms) const;

  private:
    void SetHw(const Shape& shape);
    std::vector<void*> Channels(long frames);

    snd_pcm_stream_t direction_;
    snd_pcm_uframes_t usual_period_;
    snd_pcm_t* pcm_ = nullptr;
    Shape shape_;
    snd_pcm_uframes_t period_ = 0;
    snd_pcm_uframes_t buffer_ = 0;
    snd_pcm_uframes_t boundary_ = 0;
    bool can_pause_ = false;
    long moved_ = 0;
    std::vector<unsigned char> data_;
};

/** Ask again and again until it holds; if it does not in 15 s, the row fails. */
void WaitUntil(const std::string& what, const std::function<bool()>& holds);

/** CLOCK_MONOTONIC. */
double Seconds();

}  // namespace shmd::conformance
