#pragma once

#include "base/clock.h"
#include "device/device.h"
#include "engine/endpoint.h"
#include "engine/made_stream.h"
#include "engine/running_device.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "render/stream_setup.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace shmd::engine {

struct StreamMaking;

/** What a device reports to its owner. Called on the loop. */
struct DeviceCallbacks {
    /** An event of the audio thread (render::Event). */
    std::function<void(const base::EventRecord&)> on_event;
    /** Some stream's Mailbox::wake may be raised. */
    std::function<void()> on_mail;
    /** The device has something for the log: a file that cannot be written, say. */
    std::function<void(const std::string&)> on_problem;
    /** The device has stopped, because no stream runs; or it was stopped, and the last
     * client that had its ring gave it back. */
    std::function<void()> on_stopped;
    /** Clients must give the card's ring back. */
    std::function<void()> on_recall;
    /** The device was exchanged; grants of the old device's ring are void. */
    std::function<void()> on_exchanged;
};

/**
 * The streams of one name and the device that plays or records them at present: each
 * change makes a new plan for its audio thread. The device can be exchanged under them.
 *
 * Thread: loop.
 */
class DeviceRunner {
  public:
    using Options = RunningDevice::Options;

    /** Errors: std::system_error, std::bad_alloc. */
    DeviceRunner(std::string name, std::unique_ptr<device::Device> device,
                 loop::Loop& loop, base::Clock& clock, Options options,
                 DeviceCallbacks callbacks);
    ~DeviceRunner();

    [[nodiscard]] const std::string& Name() const noexcept { return name_; }
    /** @pre not between Detach and Attach */
    [[nodiscard]] device::Device& Device() const noexcept { return *device_; }
    [[nodiscard]] bool DeviceIsRunning() const noexcept {
        return running_ && running_->Renderer().DeviceIsRunning();
    }

    /** What a stream of that kind must be made for at present. */
    [[nodiscard]] StreamTarget TargetOf(EndpointKind kind) const noexcept;

    /**
     * Put the stream into the plan. @pre it was made for TargetOf(its kind). Errors, and
     * nothing has changed: std::bad_alloc; std::system_error EBUSY, with the reason, for
     * a stream that takes more of the audio thread's time than its user may have.
     */
    void Add(const MadeStream& stream);

    /** Take it out again; its memory is released when the audio thread has let go of it.
     * Errors: std::bad_alloc, and nothing has changed. */
    void Remove(uint64_t stream_id);

    /** Linear, 0.0 to 4.0; no effect on a recording stream. */
    void SetGain(uint64_t stream_id, float gain);

    /** Wake the audio thread: a client has a new command, or the device is open now. */
    void Kick();

    /**
     * Take the device away: its streams stand still until Attach. If the device still
     * plays, wait until it has played all rendered frames. Not from a callback of this.
     */
    std::unique_ptr<device::Device> Detach();

    /**
     * Go on with another device, or the same. @pre Detach
     *
     * Streams that need another resampler follow when their users' helpers have made it;
     * the others do not wait for that. If there is no memory or no thread for it, a timer
     * tries again, and until then these streams stand still.
     */
    void Attach(std::unique_ptr<device::Device> device);

    // --- direct mode

    /** The card's ring, for a client. Opens the card. Errors: as Device::ShareRing; EBUSY
     * from a Recall until the next Attach. */
    device::SharedRing ShareRing(bool unrestricted);
    /** The stream's client may write there (0 frames: not any more). */
    void GrantRing(uint64_t stream_id, uint32_t ring_frames);
    /** A client has been given the ring; has given it back, or is gone. */
    void AddGrant() { ++grants_; }
    /** Errors: std::bad_alloc, and nothing has changed. */
    void DropGrant();
    [[nodiscard]] bool HasGrants() const noexcept { return grants_ > 0; }

    /** Ask all clients for the ring back. Call `then` when they have answered, or when
     * the time for that is over. */
    void Recall(std::function<void()> then);

    [[nodiscard]] const render::Counters& Count() const noexcept { return counters_; }
    [[nodiscard]] int64_t AudioTimeNs() const noexcept;
    /** How the audio thread is scheduled. */
    [[nodiscard]] Realtime Scheduling() const noexcept {
        return running_ ? running_->Scheduling() : Realtime::kNo;
    }
    /** The thread computed for too long: ordinary scheduling, on the next device too. */
    void GiveUpRealtime() noexcept;
    /** Schedule the thread as the options say again. */
    void TakeUpRealtime() noexcept;
    /** The streams, and what they take of the audio thread's time. */
    [[nodiscard]] const Admission& Admitted() const noexcept { return admission_; }
    [[nodiscard]] uint64_t DroppedEvents() const noexcept;

  private:
    /** A stream that was on another device and needs a resampler for this one. */
    struct MovingStream {
        MadeStream old;
        render::PlaybackSource::Rest rest;   // what became of its last frames there
        std::shared_ptr<StreamMaking> made;  // while its user's helper makes it
    };
    struct Streams {
        render::Plan plan;
        std::vector<MovingStream> moving;
    };

    std::unique_ptr<RunningDevice> Run();
    void GoOn() noexcept;
    void Complain(const char* why) noexcept;
    void Begin();
    [[nodiscard]] Streams MovedStreams() const;
    void Move(Streams& moved, MadeStream old, render::PlaybackSource::Rest rest) const;
    void UpdateCosts() noexcept;
    void MakeMoving();
    void TakeMoved(const StreamMaking& made) noexcept;
    void Admit(const MadeStream& stream);
    void Dismiss(uint64_t stream_id) noexcept;
    void UpdateCost(uint64_t stream_id, int64_t cost_ns) noexcept;
    template <typename Change>
    void ChangePlan(Change change);
    void OnNews();
    [[nodiscard]] bool HasToServe() const noexcept;
    void ServeSoon();
    void Serve();
    void EndRecall();
    void AfterRecall();

    std::string name_;
    loop::Loop& loop_;
    base::Clock& clock_;
    Options options_;
    DeviceCallbacks callbacks_;
    render::Counters counters_;
    render::Plan plan_;
    std::vector<MovingStream> moving_;
    Admission admission_;
    bool has_realtime_ = true;  // else it was given up
    render::PlaybackSource::Rest rest_ = render::PlaybackSource::Rest::kHeard;
    int64_t earlier_audio_time_ns_ = 0;  // of the threads of earlier devices
    uint64_t earlier_dropped_events_ = 0;
    uint32_t grants_ = 0;
    bool is_recalling_ = false;  // until the device is exchanged
    std::function<void()> after_recall_;
    bool has_complained_ = false;      // logged that Attach has to be tried again
    bool must_tell_exchange_ = false;  // Begin did its work, and on_exchanged is to come
    loop::Timer retry_timer_;
    loop::Timer recall_timer_;
    loop::Timer service_timer_;
    uint64_t ended_starts_ = 0;  // starts of the device whose stop was reported
    std::unique_ptr<device::Device> device_;
    std::unique_ptr<RunningDevice> running_;  // null until Attach has found memory for it
};

}  // namespace shmd::engine
