#pragma once

#include "base/clock.h"
#include "engine/device_runner.h"
#include "engine/endpoint.h"
#include "engine/stream_record.h"
#include "loop/loop.h"
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

/** What a stream's owner hears of it. Called on the loop. */
class StreamListener {
  public:
    /** The client broke the protocol in its words: `word` has a value that cannot be. */
    virtual void OnStreamFault(const char* word, uint64_t value) = 0;
    /** The audio thread raised the stream's Mailbox::wake. */
    virtual void OnStreamWake() = 0;

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
    /** A line for the log: severe ones are to be acted upon. */
    using Report = std::function<void(bool severe, const std::string& line)>;

    Engine(loop::Loop& loop, base::Clock& clock, DeviceRunner::Options options,
           Report report);
    ~Engine();

    /** Add a device; the first is the default. Errors: as DeviceRunner. */
    void AddDevice(std::string name, std::unique_ptr<device::Device> device);

    /**
     * The endpoint of that name:
     *     ""                  the default device
     *     NAME                the device of that name
     *     monitor             what the default device plays (recording only)
     *     NAME.monitor        what the device of that name plays (recording only)
     */
    [[nodiscard]] std::optional<Endpoint> FindEndpoint(std::string_view name,
                                                       bool is_capture) const;

    /** Put a stream on its device. Sets setup.stream_id and setup.counters. @return the
     * id */
    uint32_t Add(const Endpoint& endpoint, render::StreamSetup setup, StreamOwner owner,
                 StreamListener& listener);
    void Remove(uint32_t stream_id);
    void SetGain(uint32_t stream_id, float gain);

    [[nodiscard]] const std::vector<std::unique_ptr<DeviceRunner>>& Devices()
        const noexcept {
        return devices_;
    }
    /** Streams that are and that were; of those that were, the newest kMaxEnded. */
    [[nodiscard]] const std::vector<StreamRecord>& Records() const noexcept {
        return records_;
    }
    static constexpr size_t kMaxEnded = 1024;

  private:
    struct Stream {
        DeviceRunner* runner;
        StreamListener* listener;
        std::shared_ptr<render::Mailbox> mailbox;
        int64_t next_report_ns = 0;  // not to fill the log with one stream's xruns
        uint32_t unreported_xruns = 0;
    };

    [[nodiscard]] DeviceRunner* FindDevice(std::string_view name) const;
    void OnEvent(const DeviceRunner& runner, const base::EventRecord& record);
    void OnXrun(Stream& stream, const char* what, const base::EventRecord& record);
    void OnMail();
    void ForgetOldest();

    loop::Loop& loop_;
    base::Clock& clock_;
    DeviceRunner::Options options_;
    Report report_;
    std::vector<std::unique_ptr<DeviceRunner>> devices_;
    std::unordered_map<uint32_t, Stream> streams_;
    std::vector<StreamRecord> records_;
    uint32_t last_stream_id_ = 0;
};

}  // namespace shmd::engine
