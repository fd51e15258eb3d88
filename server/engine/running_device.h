#pragma once

#include "base/clock.h"
#include "base/unique_fd.h"
#include "device/device.h"
#include "engine/admission.h"
#include "engine/realtime.h"
#include "loop/event.h"
#include "loop/helpers.h"
#include "loop/loop.h"
#include "render/render_thread.h"
#include "render/renderer.h"

#include <cstdint>
#include <functional>
#include <memory>

namespace shmd::engine {

/**
 * A device's renderer, its audio thread, and the eventfd by which the thread wakes the
 * loop.
 *
 * Thread: loop.
 */
class RunningDevice {
  public:
    struct Options {
        uint32_t cycle_max_us = 25000;
        int realtime_priority = 0;
        /** Counts the streams of all devices; outlives this. */
        Admission* machine = nullptr;
        /** The user who runs the server. */
        uid_t owner = Admission::kNoOwner;
        /** They make streams for another device; they outlive this. Null: the loop makes
         * them. */
        loop::Helpers* helpers = nullptr;
        /** Runs first on the audio thread; tests confine the thread with it. */
        std::function<void()> on_audio_start;
    };

    /**
     * @param device    outlives this
     * @param counters  outlives this
     * @param on_news   called when the renderer has events, retired plans or mail
     * Errors: std::system_error, std::bad_alloc.
     */
    RunningDevice(device::Device& device, loop::Loop& loop, base::Clock& clock,
                  render::Counters& counters, const Options& options,
                  std::function<void()> on_news);

    /** End the audio thread: the caller may then use what it worked with. */
    void EndThread() { thread_.reset(); }

    [[nodiscard]] render::Renderer& Renderer() noexcept { return renderer_; }
    [[nodiscard]] const render::Renderer& Renderer() const noexcept { return renderer_; }
    /** @pre not EndThread */
    [[nodiscard]] render::RenderThread& Thread() noexcept { return *thread_; }
    [[nodiscard]] const render::RenderThread& Thread() const noexcept { return *thread_; }

    /** How its thread is scheduled. */
    [[nodiscard]] Realtime Scheduling() const noexcept { return realtime_; }
    void GiveUpRealtime() noexcept;
    /** Ask for it again. */
    void TakeUpRealtime(int priority) noexcept;

  private:
    base::UniqueFd news_fd_;
    render::Renderer renderer_;
    loop::EventWatch news_watch_;
    std::unique_ptr<render::RenderThread> thread_;
    Realtime realtime_ = Realtime::kNo;
};

}  // namespace shmd::engine
