#pragma once

#include "base/clock.h"
#include "base/log_subject.h"
#include "engine/admission.h"
#include "engine/card_monitor.h"
#include "engine/device_keeper.h"
#include "engine/device_runner.h"
#include "engine/endpoint.h"
#include "engine/realtime_pause.h"
#include "engine/stream_record.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "render/stream_setup.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace shmd::engine {

/** What the engine reports to a stream's owner. Called on the loop. */
class StreamListener {
  public:
    /** The client broke the protocol in its words: `word` has an impossible value. */
    virtual void OnStreamFault(const char* word, uint64_t value) = 0;
    /** The audio thread raised the stream's Mailbox::wake: the client is to be told. */
    virtual void OnStreamWake() = 0;
    /** The card's ring must be given back. */
    virtual void OnRingRecall() = 0;
    /** The stream is on another device now. */
    virtual void OnDeviceExchanged() = 0;

  protected:
    ~StreamListener() = default;
};

/**
 * The control side of the audio: devices by name, streams by number.
 *
 * Thread: loop.
 */
class Engine {
  public:
    /** Writes a line to the log; `subject` is what it is about. `severe`: somebody must
     * act. */
    using Report = std::function<void(bool severe, const base::LogSubject& subject,
                                      const std::string& line)>;

    /** @param last_stream_id  the next stream gets the id after it; tests begin near the
     * end of a smaller count */
    Engine(loop::Loop& loop, base::Clock& clock, DeviceRunner::Options options,
           Report report, uint64_t last_stream_id = 0);
    ~Engine();

    /** Add a device of both directions for good; the first is the default. Errors: as
     * DeviceRunner. */
    void AddDevice(std::string name, std::unique_ptr<device::Device> device);

    /** How the engine uses cards. */
    struct CardOptions {
        /** What plays while no card does: a spec of a virtual device. */
        std::string fallback = "virtual";
        int64_t idle_timeout_ns = 5 * base::kNsPerSecond;
    };

    /**
     * Add the device that `spec` describes. The two directions of a card are separate.
     * Each has its own audio thread, and the fallback while it does not work.
     * Errors: as device::MakeDevice, for the spec and for what is no card.
     */
    void AddDevice(const std::string& name, const std::string& spec,
                   const CardOptions& options);

    /**
     * Release the cards of `name`, and use what `spec` describes.
     * @return false if `name` or `spec` is not of a card
     * Errors: std::invalid_argument, and nothing changes.
     */
    bool ChangeDevice(const std::string& name, const std::string& spec,
                      const CardOptions& options);

    /**
     * The endpoint of that name:
     *     ""                  the default device
     *     NAME                the device of that name
     *     #N                  the device number N, from 1 on; 1 is the default device
     *     monitor             what the default device plays (recording only)
     *     NAME.monitor        what the device of that name plays (recording only)
     *     #N.monitor          what the device number N plays (recording only)
     */
    [[nodiscard]] std::optional<Endpoint> FindEndpoint(std::string_view name,
                                                       bool is_capture) const;

    /** Give a stream its number and its counters. */
    void Identify(render::StreamSetup& setup);

    /**
     * Put a stream on its device.
     * @param stream  made of a setup that was identified
     * @pre it was made for what endpoint.runner's TargetOf says at present
     * Errors: as DeviceRunner::Add; nothing has changed then.
     */
    void Add(const Endpoint& endpoint, const MadeStream& stream, StreamOwner owner,
             StreamListener& listener);
    /** Does nothing if it is not there. Errors: as DeviceRunner::Remove. */
    void Remove(uint64_t stream_id);
    void SetGain(uint64_t stream_id, float gain);
    /** An audio thread computed for too long (SIGXCPU): ordinary scheduling for all, and
     * real time again after a pause in which no stream had to be stopped. */
    void GiveUpRealtime();

    /** What the statistics say about a stream's direct mode. */
    void NoteDirect(uint64_t stream_id, const std::string& note);

    [[nodiscard]] const std::vector<std::unique_ptr<DeviceRunner>>& Devices()
        const noexcept {
        return devices_;
    }
    /** All present streams, and of those that have ended the newest kMaxEnded. */
    [[nodiscard]] const std::vector<StreamRecord>& Records() const noexcept {
        return records_;
    }
    static constexpr size_t kMaxEnded = 1024;

  private:
    struct Stream {
        DeviceRunner* runner;
        StreamListener* listener;
        std::shared_ptr<render::Mailbox> mailbox;
        uint32_t uid;
        int64_t next_report_ns = 0;  // not to fill the log with one stream's xruns
        uint32_t unreported_xruns = 0;
    };

    /** A device by its name in the configuration. */
    struct NamedDevice {
        std::string name;
        DeviceRunner* playback;
        DeviceRunner* capture;  // the same, where one device does both
    };

    DeviceRunner& AddRunner(const std::string& name,
                            std::unique_ptr<device::Device> device);
    DeviceRunner& AddCard(const std::string& name, const DeviceKeeper::Options& options,
                          const std::string& fallback);
    [[nodiscard]] const NamedDevice* FindNumber(std::string_view digits) const;
    [[nodiscard]] const NamedDevice* FindDevice(std::string_view name) const;
    void OnDeviceEvent(size_t index, const base::EventRecord& record);
    void OnStreamEvent(const base::EventRecord& record);
    void OnXrun(Stream& stream, const char* what, const base::EventRecord& record);
    void OnOverload(Stream& stream, const base::EventRecord& record);
    bool IsToBeReported(Stream& stream, const base::EventRecord& record);
    void TakeUpRealtime();
    void OnMail();
    void TellListeners(size_t index, void (StreamListener::*what)());
    void ForgetOldest();

    loop::Loop& loop_;
    base::Clock& clock_;
    DeviceRunner::Options options_;
    Report report_;
    Admission machine_;  // all devices' streams; outlives the devices
    RealtimePause realtime_pause_;
    loop::Timer realtime_timer_;
    std::vector<NamedDevice> names_;
    /** By the same index; no keeper for a device that is never exchanged. */
    std::vector<std::unique_ptr<DeviceRunner>> devices_;
    std::vector<std::unique_ptr<DeviceKeeper>> keepers_;
    std::unique_ptr<CardMonitor> monitor_;
    std::unordered_map<uint64_t, Stream> streams_;
    std::vector<StreamRecord> records_;
    // 64 bits: it counts every SetParams of the server's life, and no number may come
    // twice.
    uint64_t last_stream_id_;
};

}  // namespace shmd::engine
