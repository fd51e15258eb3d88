#pragma once

#include "base/clock.h"
#include "base/thread.h"
#include "base/wakeup.h"
#include "render/renderer.h"

#include <atomic>
#include <functional>

namespace shmd::render {

/** The audio thread of one device: it sleeps, turns the renderer, and tells the loop. */
class RenderThread {
  public:
    struct Options {
        /** An eventfd that is written when the renderer has news for the loop. */
        int news_fd = -1;
        /** Runs first on the new thread; tests confine the thread with it. */
        std::function<void()> on_start;
    };

    /** `clock` and `renderer` outlive this. Thread: loop. */
    RenderThread(Renderer& renderer, base::Clock& clock, const Options& options);

    /** Stops and joins. Thread: loop. */
    ~RenderThread();

    /** Turn now: a plan or a client's command is new. Thread: any. Realtime: yes. */
    void Kick() noexcept { wakeup_.Signal(); }

    /** The kernel's number of it. Thread: any. */
    [[nodiscard]] pid_t Id() const noexcept { return thread_.Id(); }

    /** Processor time of the thread so far, in nanoseconds. Thread: loop. */
    [[nodiscard]] int64_t ProcessorTimeNs() const noexcept;

  private:
    void Run() noexcept;
    void TellLoop() noexcept;

    Renderer& renderer_;
    base::Clock& clock_;
    Options options_;
    base::Wakeup wakeup_;
    std::atomic<bool> stopping_{false};
    std::atomic<int> processor_clock_{0};
    base::Thread thread_;
};

}  // namespace shmd::render
