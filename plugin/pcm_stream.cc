#include "plugin/pcm_stream.h"

#include "base/clock.h"
#include "plugin/channel_maps.h"
#include "plugin/channel_range.h"
#include "plugin/guarded.h"
#include "plugin/hw_space.h"
#include "plugin/native_format.h"
#include "plugin/pcm_params.h"
#include "plugin/refine_hook.h"
#include "plugin/size_rules.h"

#include <poll.h>
#include <algorithm>
#include <cerrno>
#include <climits>
#include <exception>

namespace shmd::plugin {

namespace {

using client::Stream;

// A drain takes as long as what is queued, and this much for the device and the machine.
constexpr int64_t kDrainGraceNs = 2 * base::kNsPerSecond;
// An application that forwards can queue more than its buffer; not more than this.
constexpr uint64_t kMostQueuedFrames = uint64_t{1} << 32;

constexpr unsigned kUsPerMs = 1000;

int64_t Now() noexcept {
    return base::SystemClock{}.NowNs();
}

client::Connection::Options ConnectionOptions(const PcmOptions& options,
                                              snd_pcm_stream_t direction) {
    return {.server = options.server,
            .server_user = options.server_user,
            .device = options.device,
            .direction = direction == SND_PCM_STREAM_PLAYBACK
                             ? wire::Direction::kPlayback
                             : wire::Direction::kCapture};
}

}  // namespace

PcmStream::PcmStream(const PcmOptions& options, snd_pcm_stream_t direction)
    : patience_ns_{options.reconnect ? options.reconnect_timeout_s * base::kNsPerSecond
                                     : 0},
      channels_max_{options.channels_max},
      most_buffer_us_{options.buffer_max_ms * kUsPerMs},
      stream_{ConnectionOptions(options, direction), patience_ns_} {
    params_.direct = FindDirect(options.direct).value_or(wire::Direct::kAuto);
    io_.version = SND_PCM_IOPLUG_VERSION;
    io_.name = "shmd sound server";
    io_.flags = SND_PCM_IOPLUG_FLAG_BOUNDARY_WA;
    io_.poll_fd = stream_.PollFd();
    io_.poll_events = POLLIN;
    io_.callback = &Callbacks();
    io_.private_data = this;
}

int PcmStream::CreatePcm(const char* name, int mode, snd_pcm_t** pcm) {
    // alsa-lib tells only what changes later.
    io_.nonblock = (mode & SND_PCM_NONBLOCK) != 0;
    const snd_pcm_stream_t direction =
        stream_.IsPlayback() ? SND_PCM_STREAM_PLAYBACK : SND_PCM_STREAM_CAPTURE;
    int error = snd_pcm_ioplug_create(&io_, name, direction, mode);
    if (error < 0) {
        delete this;
        return error;
    }
    error = Offer(mode);
    if (error < 0) {
        snd_pcm_ioplug_delete(&io_);  // calls close, which deletes this
        return error;
    }
    *pcm = io_.pcm;
    return 0;
}

template <auto kMethod, typename... Arguments>
auto PcmStream::Call(snd_pcm_ioplug_t* io, Arguments... arguments) {
    return Guarded([=] { return (From(io).*kMethod)(arguments...); });
}

int PcmStream::Offer(int mode) {
    const unsigned channels = OfferedChannels(channels_max_, stream_.Device().channels);
    int error = OfferParams(io_, channels);
    if (error >= 0) error = OfferNative(io_, stream_.Device(), mode);
    if (error < 0 || HookRefine(io_, &PcmStream::Refine, &PcmStream::Narrow))
        return error;
    // Without the hook nothing refuses more channels than possible. A program that wants
    // no resampling gets it, and alsa-lib's own rules decide the sizes.
    error = OfferParams(io_, std::min(channels, wire::kMaxChannels));
    return error < 0 ? error : OfferNative(io_, stream_.Device(), mode);
}

int PcmStream::Refine(snd_pcm_ioplug_t& io, snd_pcm_hw_params_t* params) noexcept {
    RefineAll(params);
    AnswerLastChannels(params, From(&io).stream_.Device().channels);
    if (!HasPossibleChannels(params)) return -EINVAL;
    return NarrowToNativeRate(io.pcm, params, From(&io).stream_.Device());
}

void PcmStream::Narrow(snd_pcm_ioplug_t& io, snd_pcm_hw_params_t* params) noexcept {
    NarrowChannels(io.pcm, params);
    PreferUsualSizes(io.pcm, params, From(&io).most_buffer_us_);
    MarkLastChannels(params);
}

const snd_pcm_ioplug_callback_t& PcmStream::Callbacks() noexcept {
    static const snd_pcm_ioplug_callback_t kCallbacks{
        .start = &Call<&PcmStream::Start>,
        .stop = &Call<&PcmStream::Stop>,
        .pointer = &Call<&PcmStream::Pointer>,
        .transfer = &Call<&PcmStream::Transfer>,
        .close = &Call<&PcmStream::Close>,
        .hw_params =
            [](auto* io, auto* /*params*/) {
                return Guarded([=] { return From(io).HwParams(); });
            },
        .hw_free = &Call<&PcmStream::HwFree>,
        .sw_params = &Call<&PcmStream::SwParams>,
        .prepare = &Call<&PcmStream::Prepare>,
        .drain = &DrainAndWait,
        .pause = &Call<&PcmStream::Pause>,
        .resume = nullptr,
        .poll_descriptors_count = nullptr,
        .poll_descriptors = nullptr,
        .poll_revents = &Call<&PcmStream::Revents>,
        .dump = nullptr,
        .delay = &Call<&PcmStream::Delay>,
        .query_chmaps = [](auto*) { return Guarded(&UsualChannelMaps); },
        .get_chmap = &Call<&PcmStream::GetChannelMap>,
        .set_chmap = &Call<&PcmStream::SetChannelMap>,
    };
    return kCallbacks;
}

int PcmStream::Close() noexcept {
    delete this;
    return 0;
}

int PcmStream::HwParams() {
    const std::scoped_lock lock{mutex_};
    owner_.Set();
    // alsa-lib has changed io_ already, and leaves it so if this fails. The stream may
    // then keep what it had.
    is_set_up_ = false;
    const wire::Direct direct = params_.direct;
    params_ = ChosenParams(io_);
    params_.direct = direct;
    try {
        SendParams();
    } catch (...) {
        GiveUpParams();
        throw;
    }
    is_set_up_ = true;
    return 0;
}

/** A stream without parameters connects anew, to a server that has come back. */
void PcmStream::GiveUpParams() noexcept {
    if (!stream_.HasParams()) return;
    try {
        stream_.FreeParams();
    } catch (const std::exception&) {
        return;  // it has none, whatever the server says
    }
}

void PcmStream::SendParams() {
    try {
        stream_.SetParams(params_);
    } catch (const std::system_error& error) {
        Tell(error.what());
        throw;
    }
}

snd_pcm_chmap_t* PcmStream::GetChannelMap() const noexcept {
    return MakeChannelMap(params_.channel_map, params_.channels);
}

int PcmStream::SetChannelMap(const snd_pcm_chmap_t* map) {
    const std::scoped_lock lock{mutex_};
    const bool is_at_rest = io_.state == SND_PCM_STATE_SETUP ||
                            (io_.state == SND_PCM_STATE_PREPARED && appl_frames_ == 0);
    if (!is_at_rest) return -EBUSY;
    const ChannelPositions before = params_.channel_map;
    const int error = ReadChannelMap(*map, io_.channels, params_.channel_map);
    if (error < 0) params_.channel_map = before;
    if (error < 0 || params_.channel_map == before) return error;
    try {
        SendParams();
    } catch (...) {
        params_.channel_map = before;
        throw;
    }
    return 0;
}

/** Whether the stream has the parameters in params_, which the program knows. */
bool PcmStream::IsSetUp() const noexcept {
    return is_set_up_ && stream_.HasParams();
}

int PcmStream::HwFree() {
    const std::scoped_lock lock{mutex_};
    switch (io_.state) {
        case SND_PCM_STATE_RUNNING:
        case SND_PCM_STATE_DRAINING:
        case SND_PCM_STATE_PAUSED:
        case SND_PCM_STATE_XRUN:
            return -EBADFD;
        default:
            break;
    }
    is_set_up_ = false;
    if (owner_.IsSet()) stream_.FreeParams();
    snd_pcm_ioplug_set_state(&io_, SND_PCM_STATE_OPEN);
    return 0;
}

int PcmStream::SwParams(snd_pcm_sw_params_t* params) noexcept {
    const std::scoped_lock lock{mutex_};
    snd_pcm_uframes_t avail_min = 0;
    snd_pcm_uframes_t stop_threshold = 0;
    snd_pcm_sw_params_get_avail_min(params, &avail_min);
    snd_pcm_sw_params_get_stop_threshold(params, &stop_threshold);
    snd_pcm_sw_params_get_boundary(params, &boundary_);
    never_stops_ = stop_threshold >= boundary_;
    stream_.SetThresholds(avail_min, never_stops_ ? wire::kNeverStop : stop_threshold);
    stream_.UpdateReadiness(Now());
    return 0;
}

int PcmStream::Prepare() noexcept {
    const std::scoped_lock lock{mutex_};
    if (stream_.IsGone()) return -ENODEV;
    if (!IsSetUp()) return -EBADFD;
    owner_.Set();
    stream_.Prepare();
    hw_ptr_ = 0;
    appl_ptr_ = 0;
    appl_frames_ = 0;
    stream_.UpdateReadiness(Now());
    return 0;
}

int PcmStream::Start() noexcept {
    const std::scoped_lock lock{mutex_};
    if (!IsSetUp()) return -EBADFD;
    owner_.Set();
    FollowApplication();
    if (!HasSomethingToPlay()) return -EPIPE;
    if (const int error = stream_.Start(); error != 0) return -ENODEV;
    stream_.UpdateReadiness(Now());
    return 0;
}

/** As the kernel asks it, before it starts a stream. */
bool PcmStream::HasSomethingToPlay() const noexcept {
    return !stream_.IsPlayback() || never_stops_ || appl_frames_ != 0;
}

int PcmStream::Stop() noexcept {
    const std::scoped_lock lock{mutex_};
    if (!owner_.IsSet()) return 0;
    stream_.Stop();
    // Readable now, which ends a drain that waits in another thread.
    stream_.UpdateReadiness(Now());
    return 0;
}

int PcmStream::Pause(int enable) noexcept {
    const std::scoped_lock lock{mutex_};
    if (stream_.Pause(enable != 0, Now()) != 0) return -ENODEV;
    stream_.UpdateReadiness(Now());
    return 0;
}

/**
 * Tell alsa-lib that the server is gone, or of an xrun, where it holds its lock.
 * @return 0, -ENODEV or -EPIPE
 */
int PcmStream::TellState(Stream::State state) noexcept {
    switch (state) {
        case Stream::State::kGone:
            snd_pcm_ioplug_set_state(&io_, SND_PCM_STATE_DISCONNECTED);
            return -ENODEV;
        case Stream::State::kXrun:
            // A drain ends, where the kernel's would, and alsa-lib does that itself.
            if (io_.state != SND_PCM_STATE_DRAINING)
                snd_pcm_ioplug_set_state(&io_, SND_PCM_STATE_XRUN);
            return -EPIPE;
        default:
            return 0;
    }
}

snd_pcm_sframes_t PcmStream::Pointer() noexcept {
    const std::scoped_lock lock{mutex_};
    FollowApplication();
    const Stream::Snapshot now = stream_.Look(Now());
    // A negative answer is an xrun too, but one without a position.
    if (TellState(now.state) == -EPIPE && io_.state == SND_PCM_STATE_DRAINING)
        return -EPIPE;
    hw_ptr_ =
        boundary_ == 0 ? 0 : static_cast<snd_pcm_uframes_t>(now.hw_frames % boundary_);
    return static_cast<snd_pcm_sframes_t>(hw_ptr_);
}

int PcmStream::Delay(snd_pcm_sframes_t* delay) noexcept {
    const std::scoped_lock lock{mutex_};
    if (io_.state == SND_PCM_STATE_OPEN || io_.state == SND_PCM_STATE_SETUP)
        return -EBADFD;
    FollowApplication();
    const Stream::Snapshot now = stream_.Look(Now());
    if (const int error = TellState(now.state); error != 0) return error;
    const auto ahead =
        static_cast<int64_t>(stream_.IsPlayback() ? appl_frames_ - now.hw_frames
                                                  : now.hw_frames - appl_frames_);
    // A server that lies makes it wrong, and not a number that a program calculates
    // beyond its type with.
    const auto boundary = static_cast<int64_t>(boundary_);
    *delay = static_cast<snd_pcm_sframes_t>(std::clamp(ahead, -boundary, boundary) +
                                            static_cast<int64_t>(now.delay_frames));
    return 0;
}

/**
 * snd_pcm_reset sets both of alsa-lib's pointers to 0 and tells nobody. Nothing else
 * takes its hw_ptr from what Pointer() said last; while that is 0, a reset is a rewind to
 * 0.
 */
bool PcmStream::WasReset() const noexcept {
    return io_.hw_ptr == 0 && hw_ptr_ != 0;
}

void PcmStream::Reset() noexcept {
    stream_.Reset(Now());
    hw_ptr_ = 0;
    appl_ptr_ = 0;
    appl_frames_ = 0;
}

void PcmStream::FollowApplication() noexcept {
    if (WasReset()) Reset();
    const snd_pcm_uframes_t appl_ptr = io_.appl_ptr;
    if (boundary_ == 0 || appl_ptr == appl_ptr_) return;
    const snd_pcm_uframes_t forward =
        (appl_ptr >= appl_ptr_ ? 0 : boundary_) + appl_ptr - appl_ptr_;
    // The boundary is many buffers long: half of it tells forward from back.
    if (forward < boundary_ / 2)
        appl_frames_ += forward;
    else
        appl_frames_ -= std::min<uint64_t>(appl_frames_, boundary_ - forward);
    appl_ptr_ = appl_ptr;
    stream_.SetApplFrames(appl_frames_);
}

void PcmStream::CountApplication(snd_pcm_uframes_t frames) noexcept {
    appl_frames_ += frames;
    appl_ptr_ += frames;
    if (appl_ptr_ >= boundary_) appl_ptr_ -= boundary_;
}

bool PcmStream::IsMmap() const noexcept {
    return io_.access != SND_PCM_ACCESS_RW_INTERLEAVED &&
           io_.access != SND_PCM_ACCESS_RW_NONINTERLEAVED;
}

snd_pcm_sframes_t PcmStream::Transfer(const snd_pcm_channel_area_t* areas,
                                      snd_pcm_uframes_t offset,
                                      snd_pcm_uframes_t size) noexcept {
    const std::scoped_lock lock{mutex_};
    if (!IsSetUp()) return -EBADFD;
    owner_.Set();
    FollowApplication();
    auto frames =
        static_cast<uint32_t>(std::min<snd_pcm_uframes_t>(size, params_.buffer_frames));
    Copy(areas, offset, frames);
    // With mmap, alsa-lib lets us fill the area when it is begun, maybe again and again;
    // what was taken is known later, by FollowApplication.
    if (!stream_.IsPlayback() && IsMmap()) return static_cast<snd_pcm_sframes_t>(frames);
    frames = stream_.Commit(frames);
    CountApplication(frames);
    const Stream::Snapshot now = stream_.UpdateReadiness(Now());
    if (frames == 0 && now.state == Stream::State::kGone) return TellState(now.state);
    return static_cast<snd_pcm_sframes_t>(frames);
}

void PcmStream::Copy(const snd_pcm_channel_area_t* areas, snd_pcm_uframes_t offset,
                     uint32_t frames) noexcept {
    // What the ring has. io_ may change at any time, while another thread sets
    // parameters.
    const unsigned channels = params_.channels;
    const snd_pcm_format_t format = FindAlsaFormat(params_.format);
    const unsigned frame_bits = params_.frame_bytes * CHAR_BIT;
    const unsigned sample_bits = frame_bits / channels;
    snd_pcm_channel_area_t ring[wire::kMaxChannels];
    const auto describe = [&](const std::byte* run) {
        for (unsigned channel = 0; channel < channels; ++channel)
            ring[channel] = {const_cast<std::byte*>(run), channel * sample_bits,
                             frame_bits};
    };
    const auto copy = [&](auto run) {
        const snd_pcm_uframes_t count = run.size() * CHAR_BIT / frame_bits;
        if (count == 0) return;
        describe(run.data());
        if (stream_.IsPlayback())
            snd_pcm_areas_copy(ring, 0, areas, offset, channels, count, format);
        else
            snd_pcm_areas_copy(areas, offset, ring, 0, channels, count, format);
        offset += count;
    };
    if (stream_.IsPlayback()) {
        const auto runs = stream_.WriteRuns(frames);
        copy(runs.first);
        copy(runs.second);
    } else {
        const auto runs = stream_.ReadRuns(frames);
        copy(runs.first);
        copy(runs.second);
    }
}

int PcmStream::Revents(const pollfd* fds, unsigned count,
                       unsigned short* revents) noexcept {
    const bool was_readable = count > 0 && (fds[0].revents & POLLIN) != 0;
    const unsigned short direction = stream_.IsPlayback() ? POLLOUT : POLLIN;
    TellAndHear();
    const auto [state, is_ready] = UpdateReadiness(was_readable);
    *revents = 0;
    switch (state) {
        case Stream::State::kGone:
            *revents = POLLERR | POLLHUP;
            break;
        case Stream::State::kXrun:
        case Stream::State::kStopped:
            *revents = static_cast<unsigned short>(POLLERR | direction);
            break;
        default:
            if (is_ready) *revents = direction;
    }
    // snd_pcm_wait asks for the state next.
    if (*revents & POLLERR) TellAndHear();
    return 0;
}

/** Have Pointer() called under alsa-lib's own lock, for what may not follow by itself. */
void PcmStream::TellAndHear() noexcept {
    snd_pcm_avail_update(io_.pcm);
}

PcmStream::Readiness PcmStream::UpdateReadiness(bool was_polled) noexcept {
    const std::scoped_lock lock{mutex_};
    const Stream::Snapshot now = stream_.UpdateReadiness(Now(), was_polled);
    return {now.state, stream_.IsReady(now)};
}

/**
 * The wait of a drain is in a function of its own, where no lock is held: as in
 * alsa-lib's own waits, a thread can be cancelled in it, and a signal handler can leave
 * it. AddressSanitizer is off here: it marks the borders of a stack frame, and the marks
 * would stay when the frame is unwound in this way.
 */
[[gnu::no_sanitize_address]] int PcmStream::DrainAndWait(snd_pcm_ioplug_t* io) {
    int64_t deadline_ns = 0;
    int left_ms = Guarded([&] { return From(io).Drain(deadline_ns); });
    while (left_ms > 0) {
        pollfd waiting{From(io).stream_.PollFd(), POLLIN, 0};
        const int ready = ::poll(&waiting, 1, left_ms);
        // alsa-lib's nonblock 2 asks a blocking call to give up when a signal ends its
        // wait.
        if (ready < 0 && errno == EINTR && io->nonblock == 2) return -EINTR;
        left_ms = Guarded([&] { return From(io).Drain(deadline_ns); });
    }
    return left_ms;
}

/** @return the time left to wait, 0 when the drain is over, or -errno */
int PcmStream::Drain(int64_t& deadline_ns) noexcept {
    // Capture ends at once; alsa-lib drops it after this.
    if (!stream_.IsPlayback()) return 0;
    const bool is_new = deadline_ns == 0;
    if (is_new) TellAndHear();
    int result = is_new ? BeginDrain() : -EAGAIN;
    const bool has_to_wait = !is_new || io_.nonblock == 0;
    if (result == -EAGAIN && has_to_wait) result = LeftToDrainMs(deadline_ns);
    if (result == -ENODEV) TellAndHear();
    return result;
}

/** @return 0: the drain is over already; -EAGAIN: it is not */
int PcmStream::BeginDrain() noexcept {
    const std::scoped_lock lock{mutex_};
    const bool is_empty = appl_frames_ == 0;
    if (is_empty) return 0;
    if (stream_.Drain() != 0) return -ENODEV;
    switch (stream_.UpdateReadiness(Now()).state) {
        case Stream::State::kGone:
            return -ENODEV;
        case Stream::State::kDraining:
            return -EAGAIN;
        default:
            return 0;
    }
}

int PcmStream::LeftToDrainMs(int64_t& deadline_ns) noexcept {
    const std::scoped_lock lock{mutex_};
    const int64_t now_ns = Now();
    const Stream::Snapshot now = stream_.UpdateReadiness(now_ns, deadline_ns != 0);
    if (now.state == Stream::State::kGone) return -ENODEV;
    if (now.state != Stream::State::kDraining)
        return 0;  // over, or another thread dropped it
    if (deadline_ns == 0) {
        const uint64_t queued =
            std::min<uint64_t>(stream_.Queued(now), kMostQueuedFrames);
        deadline_ns =
            now_ns + kDrainGraceNs + patience_ns_ +
            base::MulDiv(static_cast<int64_t>(queued), base::kNsPerSecond, io_.rate);
    }
    if (now_ns > deadline_ns) return -EIO;
    return static_cast<int>(
        std::min<int64_t>((deadline_ns - now_ns) / base::kNsPerMs + 1, INT_MAX));
}

}  // namespace shmd::plugin
