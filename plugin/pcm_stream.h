#pragma once

#include "client/stream.h"
#include "plugin/pcm_options.h"
#include "plugin/process_mark.h"

#include <alsa/asoundlib.h>
#include <alsa/pcm_external.h>
#include <poll.h>
#include <cstdint>
#include <mutex>

namespace shmd::plugin {

/**
 * One PCM handle: what alsa-lib's ioplug asks of it, answered by a stream on the server.
 *
 * alsa-lib calls some callbacks under its own lock and some not, and applications use a
 * handle from two threads, so each takes `mutex_`, never for a wait. Starts no thread,
 * installs no handler, prints nothing by itself.
 *
 * A thread may end in a call, or leave it (doc/decisions/0018). So all callbacks run in
 * Guarded(), and a wait holds no lock and has nothing to destroy.
 */
class PcmStream {
  public:
    /** Connects. Errors: std::system_error. */
    PcmStream(const PcmOptions& options, snd_pcm_stream_t direction);

    /** Make alsa-lib's handle; it owns this from then on. @return 0 or -errno */
    int CreatePcm(const char* name, int mode, snd_pcm_t** pcm);

  private:
    static PcmStream& From(snd_pcm_ioplug_t* io) noexcept {
        return *static_cast<PcmStream*>(io->private_data);
    }
    static const snd_pcm_ioplug_callback_t& Callbacks() noexcept;
    /** alsa-lib's callback for `kMethod` of its stream. */
    template <auto kMethod, typename... Arguments>
    static auto Call(snd_pcm_ioplug_t* io, Arguments... arguments);
    static int DrainAndWait(snd_pcm_ioplug_t* io);
    int Offer(int mode);
    static int Refine(snd_pcm_ioplug_t& io, snd_pcm_hw_params_t* params) noexcept;
    static void Narrow(snd_pcm_ioplug_t& io, snd_pcm_hw_params_t* params) noexcept;

    int Close() noexcept;
    int Start() noexcept;
    int Stop() noexcept;
    snd_pcm_sframes_t Pointer() noexcept;
    snd_pcm_sframes_t Transfer(const snd_pcm_channel_area_t* areas,
                               snd_pcm_uframes_t offset, snd_pcm_uframes_t size) noexcept;
    int HwParams();
    int HwFree();
    int SwParams(snd_pcm_sw_params_t* params) noexcept;
    int Prepare() noexcept;
    int Drain(int64_t& deadline_ns) noexcept;
    int BeginDrain() noexcept;
    int LeftToDrainMs(int64_t& deadline_ns) noexcept;
    int Pause(int enable) noexcept;
    int Revents(const pollfd* fds, unsigned count, unsigned short* revents) noexcept;
    int Delay(snd_pcm_sframes_t* delay) noexcept;
    [[nodiscard]] snd_pcm_chmap_t* GetChannelMap() const noexcept;
    int SetChannelMap(const snd_pcm_chmap_t* map);

    struct Readiness {
        client::Stream::State state;
        bool is_ready;
    };
    Readiness UpdateReadiness(bool was_polled) noexcept;
    void TellAndHear() noexcept;
    void SendParams();
    void GiveUpParams() noexcept;
    [[nodiscard]] bool IsSetUp() const noexcept;
    /**
     * Follow the application where it went since, also back (rewind) and forward. Only
     * where alsa-lib holds its lock: elsewhere its pointer may be behind a Transfer().
     */
    void FollowApplication() noexcept;
    [[nodiscard]] bool WasReset() const noexcept;
    void Reset() noexcept;
    void CountApplication(snd_pcm_uframes_t frames) noexcept;
    int TellState(client::Stream::State state) noexcept;
    [[nodiscard]] bool HasSomethingToPlay() const noexcept;
    void Copy(const snd_pcm_channel_area_t* areas, snd_pcm_uframes_t offset,
              uint32_t frames) noexcept;
    [[nodiscard]] bool IsMmap() const noexcept;

    // Recursive, as alsa-lib's own lock of a handle: a signal handler that calls this
    // handle, or leaves a call by longjmp(3), does not block its own thread for ever.
    std::recursive_mutex mutex_;
    // A child that inherits the handle may close it, which is not to stop its parent's
    // sound, and becomes its owner when it uses it.
    ProcessMark owner_;
    int64_t patience_ns_;
    unsigned channels_max_;
    unsigned most_buffer_us_;
    client::Stream stream_;
    client::Stream::Params params_;  // what the stream has, if IsSetUp()
    bool is_set_up_ = false;         // the last hw_params was agreed to
    snd_pcm_ioplug_t io_{};
    snd_pcm_uframes_t boundary_ = 0;
    bool never_stops_ = false;
    snd_pcm_uframes_t hw_ptr_ = 0;    // what alsa-lib was told last
    snd_pcm_uframes_t appl_ptr_ = 0;  // alsa-lib's, when it was looked at last
    uint64_t appl_frames_ = 0;        // the same, not wrapped at the boundary
};

}  // namespace shmd::plugin
