#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "device/device.h"
#include "engine/endpoint.h"
#include "loop/event.h"
#include "loop/loop.h"
#include "loop/timer.h"
#include "render/render_thread.h"
#include "render/renderer.h"
#include "render/stream_setup.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace shmd::engine {

/** What a device tells its surroundings. Called on the loop. */
struct DeviceCallbacks {
    /** An event of the audio thread (render::Event). */
    std::function<void(const base::EventRecord&)> on_event;
    /** Some stream's Mailbox::wake may be raised. */
    std::function<void()> on_mail;
    /** The device has something for the log: a file that cannot be written, say. */
    std::function<void(const std::string&)> on_problem;
};

/**
 * One device with its renderer and its audio thread, and the control side of its streams:
 * each change makes a new plan.
 *
 * Thread: loop.
 */
class DeviceRunner {
  public:
    struct Options {
        uint32_t cycle_max_us = 20000;
        int realtime_priority = 0;
        /** Runs first on the audio thread; tests confine the thread with it. */
        std::function<void()> on_audio_start;
    };

    /** Errors: std::system_error, std::bad_alloc. */
    DeviceRunner(std::string name, std::unique_ptr<device::Device> device,
                 loop::Loop& loop, base::Clock& clock, const Options& options,
                 DeviceCallbacks callbacks);
    ~DeviceRunner();

    [[nodiscard]] const std::string& Name() const noexcept { return name_; }
    [[nodiscard]] const device::Device& Device() const noexcept { return *device_; }

    /** Build the stream and put it into the plan. Errors: std::system_error, bad_alloc.
     */
    void Add(EndpointKind kind, const render::StreamSetup& setup);

    /** Take it out again; its memory is released when the audio thread has let go of it.
     */
    void Remove(uint32_t stream_id);

    /** Linear, 0.0 to 4.0; no effect on a recording stream. */
    void SetGain(uint32_t stream_id, float gain);

    /** A client's command word is new. */
    void Kick();

    [[nodiscard]] const render::Counters& Count() const noexcept {
        return renderer_.Count();
    }
    [[nodiscard]] int64_t AudioTimeNs() const noexcept {
        return thread_.ProcessorTimeNs();
    }
    [[nodiscard]] int RealtimeError() const noexcept { return thread_.RealtimeError(); }
    [[nodiscard]] uint64_t DroppedEvents() const noexcept {
        return renderer_.DroppedEvents();
    }

  private:
    template <typename Change>
    void ChangePlan(Change change);
    void OnNews();
    void Service();

    std::string name_;
    std::unique_ptr<device::Device> device_;
    base::Clock& clock_;
    DeviceCallbacks callbacks_;
    base::UniqueFd news_fd_;
    render::Renderer renderer_;
    render::Plan plan_;
    loop::Timer service_timer_;
    loop::EventWatch news_watch_;
    render::RenderThread thread_;
};

}  // namespace shmd::engine
