#include "pcm.h"

#include <poll.h>
#include <algorithm>
#include <ctime>
#include <utility>

namespace shmd::conformance {

namespace {

constexpr double kPatienceS = 15;  // less than a row's deadline: who waited is known then
constexpr timespec kPause{.tv_sec = 0, .tv_nsec = 2'000'000};

void Has(const std::string& what, int answer) {
    if (answer < 0) Skip("the PCM has no " + what + ": " + Words(answer));
}

snd_pcm_uframes_t Frames(snd_pcm_uframes_t value, snd_pcm_uframes_t period,
                         snd_pcm_uframes_t buffer, snd_pcm_uframes_t boundary) {
    switch (value) {
        case kBoundary:
            return boundary;
        case kBuffer:
            return buffer;
        case kPeriod:
            return period;
        default:
            return value;
    }
}

}  // namespace

Pcm::Pcm(const Bench& bench, int mode) : Pcm{bench, bench.direction, mode} {}

Pcm::Pcm(const Bench& bench, snd_pcm_stream_t direction, int mode)
    : direction_{direction}, usual_period_{bench.period_frames} {
    const std::string& name = bench.Pcm(direction);
    Succeeds("snd_pcm_open of " + name,
             snd_pcm_open(&pcm_, name.c_str(), direction, mode));
}

Pcm::Pcm(const Bench& bench, const Shape& shape, const Thresholds& thresholds)
    : Pcm{bench} {
    Set(shape, thresholds);
}

Pcm::~Pcm() {
    if (pcm_ != nullptr) snd_pcm_close(pcm_);
}

int Pcm::Close() {
    return snd_pcm_close(std::exchange(pcm_, nullptr));
}

void Pcm::Set(const Shape& shape, const Thresholds& thresholds) {
    shape_ = shape;
    SetHw(shape);
    SetThresholds(thresholds);
    moved_ = 0;
}

void Pcm::SetHw(const Shape& shape) {
    const HwParams params;
    Succeeds("snd_pcm_hw_params_any", snd_pcm_hw_params_any(pcm_, params));
    Has(snd_pcm_access_name(shape.access),
        snd_pcm_hw_params_set_access(pcm_, params, shape.access));
    Has(snd_pcm_format_name(shape.format),
        snd_pcm_hw_params_set_format(pcm_, params, shape.format));
    Has(std::to_string(shape.channels) + " channels",
        snd_pcm_hw_params_set_channels(pcm_, params, shape.channels));
    Has(std::to_string(shape.rate) + " Hz",
        snd_pcm_hw_params_set_rate(pcm_, params, shape.rate, 0));
    period_ = shape.period == 0 ? usual_period_ : shape.period;
    Succeeds("snd_pcm_hw_params_set_period_size_near",
             snd_pcm_hw_params_set_period_size_near(pcm_, params, &period_, nullptr));
    buffer_ = period_ * shape.periods;
    Succeeds("snd_pcm_hw_params_set_buffer_size_near",
             snd_pcm_hw_params_set_buffer_size_near(pcm_, params, &buffer_));
    Succeeds("snd_pcm_hw_params", snd_pcm_hw_params(pcm_, params));
    snd_pcm_hw_params_get_period_size(params, &period_, nullptr);
    snd_pcm_hw_params_get_buffer_size(params, &buffer_);
    can_pause_ = snd_pcm_hw_params_can_pause(params) == 1;
}

void Pcm::SetThresholds(const Thresholds& thresholds) {
    const SwParams params;
    Succeeds("snd_pcm_sw_params_current", snd_pcm_sw_params_current(pcm_, params));
    snd_pcm_sw_params_get_boundary(params, &boundary_);
    const auto frames = [&](snd_pcm_uframes_t value) {
        return Frames(value, period_, buffer_, boundary_);
    };
    snd_pcm_sw_params_set_start_threshold(pcm_, params, frames(thresholds.start));
    snd_pcm_sw_params_set_stop_threshold(pcm_, params, frames(thresholds.stop));
    snd_pcm_sw_params_set_avail_min(pcm_, params, frames(thresholds.avail_min));
    Succeeds("snd_pcm_sw_params", snd_pcm_sw_params(pcm_, params));
}

short Pcm::Ready() const {
    return IsPlayback() ? POLLOUT : POLLIN;
}

size_t Pcm::FrameBytes() const {
    return static_cast<size_t>(snd_pcm_format_physical_width(shape_.format)) *
           shape_.channels / CHAR_BIT;
}

std::vector<void*> Pcm::Channels(long frames) {
    const size_t one = FrameBytes() / shape_.channels * static_cast<size_t>(frames);
    std::vector<void*> channels;
    for (unsigned i = 0; i < shape_.channels; ++i)
        channels.push_back(data_.data() + i * one);
    return channels;
}

long Pcm::Write(long frames) {
    const auto count = static_cast<snd_pcm_uframes_t>(frames);
    data_.assign(FrameBytes() * std::max<size_t>(count, 1), 0);
    std::vector<void*> channels = Channels(frames);
    long done = -EINVAL;
    switch (shape_.access) {
        case SND_PCM_ACCESS_RW_INTERLEAVED:
            done = snd_pcm_writei(pcm_, data_.data(), count);
            break;
        case SND_PCM_ACCESS_RW_NONINTERLEAVED:
            done = snd_pcm_writen(pcm_, channels.data(), count);
            break;
        case SND_PCM_ACCESS_MMAP_INTERLEAVED:
            done = snd_pcm_mmap_writei(pcm_, data_.data(), count);
            break;
        default:
            done = snd_pcm_mmap_writen(pcm_, channels.data(), count);
    }
    moved_ += std::max(done, 0L);
    return done;
}

long Pcm::Read(long frames) {
    const auto count = static_cast<snd_pcm_uframes_t>(frames);
    data_.assign(FrameBytes() * std::max<size_t>(count, 1), 0);
    std::vector<void*> channels = Channels(frames);
    long done = -EINVAL;
    switch (shape_.access) {
        case SND_PCM_ACCESS_RW_INTERLEAVED:
            done = snd_pcm_readi(pcm_, data_.data(), count);
            break;
        case SND_PCM_ACCESS_RW_NONINTERLEAVED:
            done = snd_pcm_readn(pcm_, channels.data(), count);
            break;
        case SND_PCM_ACCESS_MMAP_INTERLEAVED:
            done = snd_pcm_mmap_readi(pcm_, data_.data(), count);
            break;
        default:
            done = snd_pcm_mmap_readn(pcm_, channels.data(), count);
    }
    moved_ += std::max(done, 0L);
    return done;
}

void Pcm::WriteAll(long frames) {
    Answers("a write of " + Words(frames) + " frames", frames, Write(frames));
}

void Pcm::ReadAll(long frames) {
    Answers("a read of " + Words(frames) + " frames", frames, Read(frames));
}

void Pcm::Run() {
    if (IsPlayback()) WriteAll(Buffer());
    Start();
    ExpectState(SND_PCM_STATE_RUNNING, "after snd_pcm_start");
}

void Pcm::RunIntoXrun() {
    if (IsPlayback()) WriteAll(Period());
    Start();
    WaitUntil("the state is XRUN", [&] {
        snd_pcm_avail(pcm_);
        return State() == SND_PCM_STATE_XRUN;
    });
}

void Pcm::RunIntoDraining(long frames) {
    WriteAll(frames);
    Start();
    Answers("snd_pcm_nonblock(1)", 0, snd_pcm_nonblock(pcm_, 1));
    Answers("a nonblocking snd_pcm_drain", -EAGAIN, snd_pcm_drain(pcm_));
    ExpectState(SND_PCM_STATE_DRAINING, "after a nonblocking snd_pcm_drain");
}

void Pcm::RequirePause() const {
    if (!can_pause_) Skip("the PCM cannot pause");
}

void Pcm::ExpectState(snd_pcm_state_t state, const std::string& when) const {
    const snd_pcm_state_t seen = State();
    if (seen != state)
        Fail("the state " + when + ": expected " + snd_pcm_state_name(state) + ", saw " +
             snd_pcm_state_name(seen));
}

long Pcm::Delay() const {
    snd_pcm_sframes_t delay = 0;
    Succeeds("snd_pcm_delay", snd_pcm_delay(pcm_, &delay));
    return delay;
}

long Pcm::Position() const {
    return IsPlayback() ? moved_ - (Buffer() - Avail()) : moved_ + Avail();
}

unsigned short Pcm::Poll(int timeout_ms) const {
    const int count = snd_pcm_poll_descriptors_count(pcm_);
    Expect(count > 0, "at least one poll descriptor");
    std::vector<pollfd> fds(static_cast<size_t>(count));
    Answers("snd_pcm_poll_descriptors", count,
            snd_pcm_poll_descriptors(pcm_, fds.data(), static_cast<unsigned>(count)));
    const double deadline = Seconds() + timeout_ms / 1000.0;
    for (;;) {
        const double left_ms = (deadline - Seconds()) * 1000;
        const int ready =
            ::poll(fds.data(), fds.size(), std::max(0, static_cast<int>(left_ms)));
        unsigned short revents = 0;
        if (ready > 0)
            Answers("snd_pcm_poll_descriptors_revents", 0,
                    snd_pcm_poll_descriptors_revents(
                        pcm_, fds.data(), static_cast<unsigned>(count), &revents));
        // A descriptor may be readable before the PCM is: that is for revents to say.
        if (revents != 0 || Seconds() >= deadline) return revents;
    }
}

void WaitUntil(const std::string& what, const std::function<bool()>& holds) {
    const double deadline = Seconds() + kPatienceS;
    while (!holds()) {
        if (Seconds() > deadline) Fail("waited 15 s, in vain, until " + what);
        ::nanosleep(&kPause, nullptr);
    }
}

double Seconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

}  // namespace shmd::conformance
